// What pages of questions need besides HTML: how long they were open, sliders that count only when
// touched, questions that depend on others, and the measurement of the connection.

const opened = performance.now();
const PINGS = 7;

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault(); // a second press of the button sends nothing twice
      return;
    }
    form.dataset.sent = "yes";
    const place = form.querySelector("[data-open-for]");
    if (place) place.value = String(Math.round(performance.now() - opened));
  });
}
// A page that the browser kept, and shows again on the way back, can be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) delete form.dataset.sent;
});

for (const slider of document.querySelectorAll("input[type=range]")) {
  const touch = () => {
    slider.name = slider.dataset.name;
    slider.classList.remove("untouched");
    slider.removeAttribute("aria-valuetext");
  };
  for (const event of ["input", "pointerup"]) slider.addEventListener(event, touch);
  slider.addEventListener("keydown", ({ key }) => {
    if (key === " " || key === "Enter") touch();
  });
}

const dependent = document.querySelectorAll("[data-show-if]");

function showDependent() {
  for (const item of dependent) {
    const among = item.dataset.among.split(" ");
    const fields = document.querySelectorAll(`[name="${item.dataset.showIf}"]`);
    const chosen = [...fields].filter((field) => !/radio|checkbox/.test(field.type) || field.checked);
    const shown = chosen.some((field) => !field.disabled && among.includes(field.value));
    item.hidden = !shown;
    for (const field of item.querySelectorAll("input, select, textarea")) field.disabled = !shown;
  }
}

if (dependent.length) {
  document.addEventListener("change", showDependent);
  showDependent();
}

document.querySelector("[data-focus]")?.focus();

const copy = document.getElementById("copy");
copy?.addEventListener("click", async () => {
  const field = document.getElementById("code");
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    copy.textContent = copy.dataset.copied;
  } catch {
    // Without permission for the clipboard the code is left selected for the person.
  }
});

async function ping() {
  const start = performance.now();
  await fetch("/ping", { cache: "no-store" });
  return performance.now() - start;
}

async function measure(form) {
  const said = document.getElementById("ping-said");
  try {
    const times = [];
    for (let i = 0; i < PINGS; i += 1) times.push(await ping());
    const median = times.sort((a, b) => a - b)[Math.floor(PINGS / 2)];
    form.elements.ping.value = median.toFixed(1);
    said.textContent = said.dataset.measured.replace("{ms}", String(Math.round(median)));
  } catch {
    said.textContent = said.dataset.slow;
    return;
  }
  form.elements.width.value = String(innerWidth);
  form.elements.full_screen.value = document.fullscreenEnabled ? "yes" : "no";
  document.getElementById("screened").disabled = false;
}

const screening = document.getElementById("screening");
if (screening) {
  const likely = matchMedia("(pointer: coarse)").matches ? "touch" : "keyboard";
  screening.querySelector(`[name=input][value=${likely}]`).checked = true;
  measure(screening);
}
