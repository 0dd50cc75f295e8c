"use strict";
// The page works without this. With it, what changes comes by one EventSource, the list is
// filtered while it is typed, times are in the reader's zone, and keys move around.
(() => {
  const $ = (id) => document.getElementById(id);
  const rows = $("rows"), filter = $("filter");

  // Times come in UTC; the reader sees the own zone, which the foot of the page names, and
  // UTC beside it where that matters, else on pointing there.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  const offset = () => {
    const m = -new Date().getTimezoneOffset(), two = (n) => String(n).padStart(2, "0");
    return m ? "UTC" + (m < 0 ? "−" : "+") + Math.floor(Math.abs(m) / 60) + (m % 60 ? ":" + two(Math.abs(m) % 60) : "") : "UTC";
  };
  const times = (root) => {
    const today = new Date().toDateString(), here = new Date().getTimezoneOffset() !== 0;
    for (const t of root.querySelectorAll("time[datetime]")) {
      const at = new Date(t.dateTime);
      if (isNaN(at)) continue;
      const same = at.toDateString() === today, utc = t.dateTime.replace("T", " ").replace("Z", " UTC");
      t.textContent = t.classList.contains("day") ? at.toLocaleDateString() : (same ? "" : at.toLocaleDateString() + " ") + at.toLocaleTimeString();
      t.title = utc;
      if (t.classList.contains("both") && here) {
        const beside = document.createElement("small");
        beside.textContent = " (" + (at.toISOString().slice(0, 10) === new Date().toISOString().slice(0, 10) ? utc.slice(11) : utc) + ")";
        t.append(beside);
      }
    }
  };
  times(document);
  if ($("zone") && zone) $("zone").textContent = zone === "UTC" || offset() === "UTC" ? "times are in UTC" : "times are in " + zone + " (" + offset() + "); UTC in the title";
  for (const e of document.querySelectorAll(".zone")) if (zone) e.textContent = zone;
  for (const e of document.querySelectorAll("input[name=zone]")) e.value = zone;

  // Which rows a filter leaves is answered by the server, so that it is the answer of the
  // live screen, too: agents and tags are not in a row.
  let left = null, asked = 0, again = null;
  const matches = (row) => { row.hidden = !!left && !left.has(row.id); };
  const match = async () => {
    again = null;
    const n = ++asked, q = filter.value.trim();
    let ids = null;
    if (q) {
      try {
        const r = await fetch("/match?q=" + encodeURIComponent(q));
        if (!r.ok) return;
        ids = new Set(await r.json());
      } catch { return; } // the line above the page says that nobody answers
    }
    if (n !== asked) return; // more was typed meanwhile
    left = ids;
    for (const r of rows.children) matches(r);
    rows.dataset.filter = q;
  };
  const matchSoon = (wait) => { if (filter && again === null) again = setTimeout(match, wait); };
  const element = (html) => {
    const t = document.createElement("template");
    t.innerHTML = html; // made by the server of escaped text, as the page itself is
    return t.content.firstElementChild;
  };

  // Rows change places only while nobody points at them or reads on below.
  let order = null, pointing = false;
  const settle = () => {
    if (!order || !rows) return;
    const there = new Set(order);
    for (const r of [...rows.children]) if (!there.has(r.id)) r.remove();
    const busy = pointing || window.scrollY > 200 || rows.contains(document.activeElement);
    const now = [...rows.children].map((r) => r.id), want = order.filter((id) => $(id));
    const moved = want.filter((id, i) => now[i] !== id).length;
    if (busy && now.length === want.length) {
      if ($("moved")) $("moved").textContent = moved ? moved + " changed places: they are sorted again when you look elsewhere" : "";
      return;
    }
    if (moved) rows.append(...want.map($));
    if ($("moved")) $("moved").textContent = "";
    order = null;
  };
  if (rows) {
    rows.addEventListener("pointerenter", () => { pointing = true; });
    rows.addEventListener("pointerleave", () => { pointing = false; settle(); });
    window.addEventListener("scroll", settle, { passive: true });
  }

  const take = (e) => {
    for (const [id, html] of Object.entries(e.h || {})) {
      const next = element(html), was = $(id);
      if (!next) continue;
      times(next);
      if (was) {
        if (was.isEqualNode(next)) continue;
        if (was.contains(document.activeElement)) { // keep the place of who uses the keyboard
          const all = [...was.querySelectorAll("a, button")], at = all.indexOf(document.activeElement);
          was.replaceWith(next);
          [...next.querySelectorAll("a, button")][at]?.focus();
        } else was.replaceWith(next);
        if (next.tagName === "TR") next.classList.add("changed");
      } else if (rows && next.tagName === "TR") rows.append(next);
      if (next.tagName === "TR") matches(next);
    }
    for (const [id, texts] of Object.entries(e.c || {}))
      $(id)?.querySelectorAll(".f").forEach((cell, i) => { if (cell.textContent !== texts[i]) cell.textContent = texts[i]; });
    if (left && e.h) matchSoon(2000); // what changed may fit now
    if (e.t) document.title = e.t + " · netmon";
    if (e.o) order = e.o;
    settle();
  };

  if (document.body.dataset.feed) {
    let source, feed = document.body.dataset.feed, lost = null;
    const say = (text) => {
      const l = $("link");
      if (!l) return;
      l.querySelector(".dot").className = "dot down";
      l.querySelector(".said").textContent = text;
    };
    // The server ended it for good: the page itself says why.
    const ended = async () => {
      const code = await fetch(location.pathname, { method: "HEAD", redirect: "manual" }).then((r) => r.status, () => 0);
      if (code === 401) say("you are signed out: reload the page to sign in again");
      else if (code === 404) say("this is not there any more");
      else setTimeout(open, 3000);
    };
    const open = () => {
      source = new EventSource(feed);
      source.onmessage = (m) => { lost = null; take(JSON.parse(m.data)); };
      source.onopen = () => { if (lost) { lost = null; } };
      source.onerror = () => {
        lost ||= new Date();
        say("not live since " + lost.toLocaleTimeString() + ": netmon does not answer, trying again");
        feed = feed.replace(/&feed=.*/, ""); // what it has is of before: all is sent again
        if (source.readyState === EventSource.CLOSED) ended();
        else { source.close(); setTimeout(open, 2000); }
      };
    };
    open();
    addEventListener("pagehide", () => source.close());
    addEventListener("pageshow", (e) => { if (e.persisted) open(); });
  }

  // A plot is drawn anew once a minute while somebody looks.
  setInterval(async () => {
    const plot = $("plot");
    if (!plot || document.hidden) return;
    try {
      const r = await fetch(plot.dataset.plot);
      const next = r.ok && element(await r.text());
      if (!next) return;
      times(next);
      if (plot.querySelector("details")?.open) next.querySelector("details")?.setAttribute("open", "");
      plot.replaceWith(next);
    } catch { /* the line above the page says it */ }
  }, 60000);

  if (filter) {
    filter.addEventListener("input", () => {
      clearTimeout(again);
      again = null;
      matchSoon(80);
      const at = new URL(location);
      filter.value ? at.searchParams.set("q", filter.value) : at.searchParams.delete("q");
      history.replaceState(null, "", at);
    });
    filter.form.addEventListener("submit", (e) => e.preventDefault());
    if (filter.value) match();
  }

  let went = false;
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target.matches("input, textarea, select")) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    const links = rows ? [...rows.children].filter((r) => !r.hidden).map((r) => r.querySelector("a")).filter(Boolean) : [];
    const at = links.indexOf(document.activeElement);
    const go = (to) => { e.preventDefault(); to?.focus(); };
    if (went) {
      went = false;
      const to = { m: "/", x: "/matrix", a: "/agents", i: "/incidents", s: "/silences", u: "/audit" }[e.key];
      if (to) location = to;
      return;
    }
    switch (e.key) {
      case "/": if (filter) { e.preventDefault(); filter.focus(); filter.select(); } break;
      case "j": go(links[Math.min(at + 1, links.length - 1)]); break;
      case "k": go(links[Math.max(at - 1, 0)]); break;
      case "g": went = true; break;
      case "n": location = "/add"; break;
      case "?": { const d = document.querySelector("footer details"); if (d) { d.open = !d.open; d.scrollIntoView(); } break; }
    }
  });
})();
