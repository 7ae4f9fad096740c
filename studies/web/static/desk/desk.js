// The dashboard: what changes is fetched anew every two seconds; copying, and ticking many at once.

const EVERY_MS = 2000;
const live = document.getElementById("live");
const fresh = document.getElementById("fresh");
const announcer = document.getElementById("announcer");

async function refresh() {
  if (document.hidden) return;
  const response = await fetch(live.dataset.live, { cache: "no-store" });
  if (response.redirected) location.reload(); // the session is over
  if (!response.ok) throw new Error(response.statusText);
  const told = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const now of told.querySelectorAll("[id^=live-]")) {
    const then = document.getElementById(now.id);
    if (then && then.innerHTML !== now.innerHTML) replace(then, now);
    if (then) then.className = now.className;
  }
  said("live", false);
}

// Keeps the place of the keyboard and of a table that was scrolled sideways.
function replace(then, now) {
  const at = then.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = then.querySelector(".scroll")?.scrollLeft ?? 0;
  then.replaceChildren(...now.childNodes);
  if (at) document.getElementById(at)?.focus({ preventScroll: true });
  const place = then.querySelector(".scroll");
  if (place) place.scrollLeft = scrolled;
}

function said(text, lost) {
  fresh.classList.toggle("lost", lost);
  if (fresh.textContent !== text) fresh.textContent = text;
}

if (live) {
  const loop = async () => {
    try {
      await refresh();
    } catch {
      said("the server does not answer", true);
    }
    setTimeout(loop, EVERY_MS);
  };
  setTimeout(loop, EVERY_MS);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const field = button.parentElement.querySelector("input");
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
      announcer.textContent = "Copied";
    } catch {
      // Without permission for the clipboard the link is left selected for the person.
    }
  });
}

const claims = document.getElementById("claims");
if (claims) {
  const boxes = [...claims.querySelectorAll("[name=who]")];
  const count = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    const place = document.getElementById("chosen");
    place.dataset.before ??= place.textContent;
    place.textContent = chosen ? `${chosen} ticked` : place.dataset.before;
  };
  claims.addEventListener("change", count);
  for (const button of claims.querySelectorAll("[data-tick]")) {
    button.addEventListener("click", () => {
      const clean = button.dataset.tick === "clean";
      for (const box of boxes) box.checked = clean && "clean" in box.dataset;
      count();
    });
  }
  const reason = claims.querySelector("[name=reason]");
  for (const button of claims.querySelectorAll("[name=verdict]")) {
    button.addEventListener("click", () => {
      reason.required = button.value === "rejected";
    });
  }
}
