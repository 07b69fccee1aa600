/** A chart as a picture that stands alone: an SVG with its colours in it, and a PNG made of that. */

const PAINT = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap"],
  ...["opacity", "font-family", "font-size", "font-weight", "text-anchor", "dominant-baseline"],
];
const NEEDLESS = ["class", "role", "tabindex", "href", "aria-label", "aria-hidden", "aria-haspopup"];
const PATTERN = /url\("?#([\w-]+)"?\)/;

/** The element with everything that style sheets say of its paint written on it. */
function inked(element, patterns) {
  const copy = element.cloneNode(false);
  const style = getComputedStyle(element);
  if (element.nodeName !== "pattern") {
    for (const name of PAINT) copy.setAttribute(name, style.getPropertyValue(name));
  }
  const pattern = PATTERN.exec(style.fill)?.[1];
  if (pattern) {
    patterns.add(pattern);
    copy.setAttribute("fill", `url(#${pattern})`);
  }
  for (const name of [...copy.getAttributeNames()]) {
    if (NEEDLESS.includes(name) || name.startsWith("data-")) copy.removeAttribute(name);
  }
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.cloneNode());
    else if (child.nodeType === Node.ELEMENT_NODE && !child.hasAttribute("data-live")) {
      copy.append(inked(child, patterns));
    }
  }
  return copy;
}

const MARGIN = 16; // px around what fills its place on the page

function sizeOf(svg) {
  const { width, height } = svg.getBoundingClientRect();
  return { width: width + 2 * MARGIN, height: height + 2 * MARGIN };
}

/** The text of an SVG that looks the same anywhere. What only helps to use it is `data-live`. */
export function svgText(svg) {
  const patterns = new Set();
  const drawing = inked(svg, patterns);
  const { width, height } = sizeOf(svg);
  const corner = { x: -MARGIN, y: -MARGIN };
  const size = { width, height, viewBox: `${corner.x} ${corner.y} ${width} ${height}` };
  for (const [name, value] of Object.entries(size)) drawing.setAttribute(name, value);
  const ground = document.createElementNS(svg.namespaceURI, "rect");
  const colour = getComputedStyle(document.documentElement).backgroundColor;
  for (const [name, value] of Object.entries({ ...corner, width, height, fill: colour })) ground.setAttribute(name, value);
  const fills = document.createElementNS(svg.namespaceURI, "defs");
  for (const id of patterns) fills.append(inked(document.getElementById(id), new Set()));
  drawing.prepend(fills, ground);
  return new XMLSerializer().serializeToString(drawing);
}

const SHARPNESS = 2; // pixels of the PNG to one of the page

/** Resolves with the blob. The picture is a data: address, which the page's policy lets be shown. */
export async function png(svg) {
  const { width, height } = sizeOf(svg);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(svg))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * SHARPNESS;
  canvas.height = height * SHARPNESS;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
