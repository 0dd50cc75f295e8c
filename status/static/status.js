"use strict";
// The page works without this. With it, an open page is brought up to date each minute while
// somebody looks, and one that is old says so: who keeps it current may be away.
(() => {
  const each = 60e3, old = 10 * 60e3;
  const age = () => {
    const at = Number(document.getElementById("main").dataset.made) * 1000, says = document.getElementById("age");
    const minutes = Math.floor((Date.now() - at) / 60e3);
    const text = Date.now() - at < old ? "" : "That is " + (minutes < 120 ? minutes + " minutes" : Math.floor(minutes / 60) + " hours") + " ago: it may be different now.";
    if (says && says.textContent !== text) says.textContent = text;
  };
  const busy = () => {
    const main = document.getElementById("main"), on = document.activeElement;
    return on && on !== main && main.contains(on) || String(getSelection()) !== "";
  };
  const refresh = async () => {
    if (!document.hidden && !busy()) {
      try {
        const got = await fetch(location.pathname, { cache: "no-cache" });
        if (got.ok) {
          const next = new DOMParser().parseFromString(await got.text(), "text/html"), main = next.getElementById("main");
          if (main && main.dataset.made !== document.getElementById("main").dataset.made) {
            document.getElementById("main").replaceWith(document.adoptNode(main));
            document.title = next.title;
          }
        }
      } catch { /* it says by itself how old it is */ }
    }
    age();
  };
  setInterval(refresh, each);
  age();
})();
