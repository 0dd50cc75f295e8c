"use strict";
// Forms work without this. With it, a word that is known is put into its field by a click,
// and a form that is on its way cannot be sent twice.
(() => {
  for (const list of document.querySelectorAll(".known[data-into]")) {
    const field = document.getElementById(list.dataset.into), byLine = list.dataset.by === "line";
    if (!field) continue;
    const split = () => field.value.split(byLine ? /\n+/ : /\s*,\s*/).filter((w) => w && w !== "all");
    const buttons = [];
    const show = () => { const has = split(); for (const b of buttons) b.setAttribute("aria-pressed", has.includes(b.dataset.word)); };
    for (const code of list.querySelectorAll("code")) {
      const chip = code.closest(".chip"), button = document.createElement("button");
      button.type = "button";
      button.className = "chip";
      button.dataset.word = code.textContent;
      button.append(...chip.childNodes);
      chip.replaceWith(button);
      buttons.push(button);
      button.addEventListener("click", () => {
        const has = split(), at = has.indexOf(button.dataset.word);
        at < 0 ? has.push(button.dataset.word) : has.splice(at, 1);
        field.value = has.join(byLine ? "\n" : ",") || (byLine ? "" : "all");
        show();
      });
    }
    field.addEventListener("input", show);
    show();
  }
  for (const form of document.querySelectorAll("form.sheet"))
    form.addEventListener("submit", (e) => {
      if (form.dataset.sent) { e.preventDefault(); return; }
      form.dataset.sent = "yes";
      if (e.submitter) { e.submitter.classList.add("busy"); e.submitter.setAttribute("aria-busy", "true"); }
    });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form.sheet")) delete form.dataset.sent;
    for (const b of document.querySelectorAll(".busy")) { b.classList.remove("busy"); b.removeAttribute("aria-busy"); }
  });
  document.querySelector(".trouble[role=alert]")?.scrollIntoView({ block: "nearest" });
})();
