// Words in the language of the page: it may carry a catalogue; without one, English is shown.

const place = document.getElementById("words");
const catalogue = place ? JSON.parse(place.textContent) : {};

export const t = (text, values = {}) =>
  Object.entries(values).reduce(
    (filled, [name, value]) => filled.replaceAll(`{${name}}`, value),
    catalogue[text] ?? text,
  );
