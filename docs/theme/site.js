// What the pages can do beside Material: buttons for a keyboard, hints one after the other, copying what is typed.

// A button presses what Material listens to: a label in the bar, or a radio button. The two buttons for the colours
// take turns; whoever has pressed one with the keyboard finds himself on the other.
for (const button of document.querySelectorAll("[data-presses]")) {
  const id = button.dataset.presses;
  let isPressed = false;
  button.addEventListener("click", () => {
    isPressed = true;
    (document.querySelector(`header label[for="${id}"]`) || document.getElementById(id)).click();
  });
  button.addEventListener("keydown", event => {
    if (event.key === "Enter") event.stopPropagation(); // Material would press a second time
  });
  new MutationObserver(() => {
    if (button.hidden && isPressed) button.parentElement.querySelector("button:not([hidden])").focus();
    isPressed = false;
  }).observe(button, { attributeFilter: ["hidden"] });
}

// The drawer of a narrow screen.
const drawer = document.getElementById("__drawer");
const opener = document.querySelector(".bar-drawer");
drawer?.addEventListener("change", () => {
  opener.setAttribute("aria-expanded", drawer.checked);
  if (drawer.checked) document.querySelector(".md-sidebar--primary a")?.focus();
});
document.addEventListener("keydown", event => {
  if (event.key === "Escape" && drawer?.checked) {
    drawer.click();
    opener.focus();
  }
});

// Of the hints of a lesson, the next one is there when the reader has opened the one before it. (Before a page is
// printed Material opens all that is folded. That is not the reader, so no "toggle" here.)
const hints = [...document.querySelectorAll('[data-part="hints"] > details')];
hints.slice(1).forEach((hint, index) => {
  const note = document.createElement("p");
  note.className = "later";
  note.textContent = `Hint ${index + 2} is here when you have opened hint ${index + 1}.`;
  note.hidden = index > 0;
  hint.before(note);
  hint.hidden = true;
  hints[index].querySelector("summary").addEventListener("click", () => {
    note.remove();
    hint.hidden = false;
    if (hints[index + 2]) hints[index + 2].previousElementSibling.hidden = false;
  }, { once: true });
});

// What scrolls can be reached with the keyboard, and only that.
const boxes = document.querySelectorAll(".md-typeset :is(pre, .table-box, figure)");
const reach = () => {
  for (const box of boxes) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
addEventListener("resize", reach);
addEventListener("load", reach);
reach();

// Copy a block. Of a terminal, or of Python's prompt, only what is typed.
const typed = block => {
  const lines = block.innerText.replace(/\n$/, "").split("\n");
  const prompt = /^(\$|>>>|\.\.\.) ?/;
  if (!lines.some(line => /^(\$|>>>) /.test(line))) return lines.join("\n");
  return lines.filter(line => prompt.test(line)).map(line => line.replace(prompt, "")).join("\n");
};
if (navigator.clipboard) {
  for (const block of document.querySelectorAll(".md-typeset .highlight > pre > code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", () => navigator.clipboard.writeText(typed(block)).then(
      () => { button.textContent = "Copied"; },
      () => { button.textContent = "Not allowed"; },
    ));
    button.addEventListener("blur", () => { button.textContent = "Copy"; });
    block.closest(".highlight").append(button);
  }
}
