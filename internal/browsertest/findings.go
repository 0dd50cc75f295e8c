package browsertest

// Findings is a script that returns what a reader who cannot see well, or has a small screen,
// would stumble over: text with little contrast, controls without a name, a page that scrolls
// sideways.
const Findings = `(() => {
	const out = [];
	if (document.scrollingElement.scrollWidth > innerWidth) out.push("it scrolls sideways: " + document.scrollingElement.scrollWidth + " of " + innerWidth);
	const rgb = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 && m[3] === 0 ? null : c.startsWith("color(") ? m.map((v) => v * 255) : m; };
	const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c) return c; } return [255, 255, 255]; };
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = walk.nextNode();) {
		const e = n.parentElement;
		if (!n.data.trim() || !e.checkVisibility() || e.closest("svg")) continue;
		const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) out.push("little contrast: " + n.data.trim().slice(0, 30));
	}
	for (const e of document.querySelectorAll("a, button, input")) if (!(e.textContent.trim() || e.getAttribute("aria-label"))) out.push("no name: " + e.outerHTML.slice(0, 80));
	for (const e of document.querySelectorAll("[role=img]")) if (!(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby"))) out.push("no label: " + e.outerHTML.slice(0, 80));
	if (document.querySelectorAll("h1").length !== 1) out.push("there are " + document.querySelectorAll("h1").length + " h1");
	const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
	for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) out.push("twice: " + id);
	return [...new Set(out)];
})()`
