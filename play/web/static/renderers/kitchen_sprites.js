// Art in SVG: loads a family's sheet once and rasterises each picture at the exact pixels needed.

const loaded = new Map(); // folder -> promise of { rig, images }

export function loadArt(folder) {
  if (!loaded.has(folder)) {
    const art = load(folder);
    art.catch(() => loaded.delete(folder)); // a dropped connection may be tried again
    loaded.set(folder, art);
  }
  return loaded.get(folder);
}

// All pictures come in one answer: a hundred would keep somebody far away waiting.
async function load(folder) {
  const answer = await fetch(`${folder}sheet.json`);
  if (!answer.ok) throw new Error(`The art is missing: ${answer.url}`);
  const { rig, pictures } = await answer.json();
  const entries = Object.entries(pictures).map(async ([name, text]) => [name, await decode(text)]);
  return { rig, images: new Map(await Promise.all(entries)) };
}

async function decode(text) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  await image.decode();
  return image;
}

// Bitmaps by name and pixel size. A new tile size starts afresh.
export class Sprites {
  constructor(images) {
    this.images = images;
    this.bitmaps = new Map();
  }

  clear() {
    this.bitmaps.clear();
  }

  get(name, width, height) {
    const w = Math.max(1, Math.round(width));
    const h = Math.max(1, Math.round(height));
    const key = `${name} ${w} ${h}`;
    let bitmap = this.bitmaps.get(key);
    if (!bitmap) {
      bitmap = document.createElement("canvas");
      bitmap.width = w;
      bitmap.height = h;
      bitmap.getContext("2d").drawImage(this.images.get(name), 0, 0, w, h);
      this.bitmaps.set(key, bitmap);
    }
    return bitmap;
  }
}
