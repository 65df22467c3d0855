// What of a page depends on its colours and its width, in a few milliseconds where axe takes a hundred: text with too
// little contrast, and parts that scroll where no key reaches them. Of contrast it finds what axe finds, to the second
// decimal, and beyond that headings of tables; neither looks at text before an image.
async () => {
  // The theme follows the system before the next frame.
  await new Promise(requestAnimationFrame);
  const numbers = (colour) => colour.match(/-?[\d.]+(e-?\d+)?/g).map(Number);
  // Red, green, blue from 0 to 255, and alpha.
  const read = (colour) => {
    const [red, green, blue, alpha = 1] = numbers(colour.replace("color(srgb", ""));
    const scale = colour.startsWith("color(") ? 255 : 1;
    return [red * scale, green * scale, blue * scale, alpha];
  };
  const over = (top, under) => under.map((part, at) => (at < 3 ? top[at] * top[3] + part * (1 - top[3]) : 1));
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  // By element: its style, the colour that stands behind its text, and what becomes of a colour inside of it where it
  // or what is around it is translucent. Without a ground: an image is behind it.
  const known = new Map();
  const about = (element) => {
    if (!element) return { ground: [255, 255, 255, 1], shown: (colour) => colour };
    let found = known.get(element);
    if (!found) {
      const [style, around] = [getComputedStyle(element), about(element.parentElement)];
      const ground = around.ground && style.backgroundImage === "none" && over(read(style.backgroundColor), around.ground);
      const opacity = Number(style.opacity);
      const shown =
        opacity < 1 ? (colour) => around.shown(over([...colour.slice(0, 3), opacity], around.ground)) : around.shown;
      found = { style, ground, shown };
      known.set(element, found);
    }
    return found;
  };
  const isSeen = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const isDisabled = (element) =>
    element.closest(":disabled, [aria-disabled=true]") || element.closest("label")?.control?.disabled;
  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()) ||
    element.matches("input:not([type=checkbox], [type=radio], [type=range], [type=color], [type=file]), select, textarea");

  const problems = [];
  const tell = (element, what) => problems.push(`${what}: ${element.outerHTML.slice(0, 200)}`);
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("svg, canvas, option, script, style, template") || !isSeen(element)) continue;
    const { style, ground, shown } = about(element);
    if (/auto|scroll/.test(style.overflow)) {
      const beyond = Math.max(
        style.overflowX === "visible" ? 0 : element.scrollWidth - element.clientWidth,
        style.overflowY === "visible" ? 0 : element.scrollHeight - element.clientHeight,
      );
      const reached = "a[href], button, input, select, textarea, summary, [tabindex]";
      if (beyond > 14 && !element.matches(reached) && !element.querySelector(reached)) tell(element, "no key scrolls it");
    }
    if (!ground || !hasText(element) || isDisabled(element)) continue;
    const size = parseFloat(style.fontSize);
    const wanted = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const ratio = contrast(shown(over(read(style.color), ground)), shown(ground));
    if (ratio < wanted) tell(element, `contrast of ${ratio.toFixed(2)} where ${wanted} are wanted`);
  }
  return problems;
}
