// What tests/test_site.py asks of a page. It is put into each page together with axe.
window.examine = {
  // The faults that axe finds in a part of the page: in what the selector matches, or everywhere.
  async axe(selector, options) {
    const told = check => check.message;
    const shown = node => `  ${node.html.slice(0, 160)}\n    ${[...node.any, ...node.all, ...node.none].map(told)}`;
    const context = selector ? { include: [[selector]] } : document;
    const { violations } = await axe.run(context, options);
    return violations.map(each => [`${each.id}: ${each.help}`, ...each.nodes.map(shown)].join("\n"));
  },

  // Elements with text of a look that is not among those known get the attribute data-new; their looks are returned.
  // A look is the tags and classes of the element and of all around it, with whatever else decides on colours.
  markNew(known) {
    const looks = new Map([[document.body, ""]]);
    const look = element => {
      if (!looks.has(element)) {
        const style = (element.getAttribute("style") ?? "").match(/(color|background|opacity)[^;]*/g);
        const own = [element.tagName, element.getAttribute("class"), element.dataset.part, style];
        looks.set(element, `${look(element.parentElement)} ${own.join(",")}`);
      }
      return looks.get(element);
    };
    const hash = text => [...text].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) | 0, 7);
    const isText = node => node.nodeType === Node.TEXT_NODE && node.data.trim();
    const before = new Set(known);
    const now = new Set();
    for (const element of document.querySelectorAll("body *")) {
      element.removeAttribute("data-new");
      if (![...element.childNodes].some(isText) || !element.checkVisibility()) continue;
      const found = hash(look(element));
      if (before.has(found) || now.has(found)) continue;
      now.add(found);
      element.setAttribute("data-new", "");
    }
    return [...now];
  },

  // What stands out on the right of the screen and in no code, and what else scrolls by itself.
  tooWide() {
    const standsOut = element => element.getBoundingClientRect().right > innerWidth + 1 && element.checkVisibility()
      && !element.parentElement.closest("pre, .table-box, figure");
    const scrolls = element => element.scrollWidth > element.clientWidth + 1 && !element.matches("pre")
      && ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
    const found = [...document.querySelectorAll("article *, footer *")].filter(each => standsOut(each) || scrolls(each));
    const told = found.map(element => element.outerHTML.slice(0, 160));
    return document.documentElement.scrollWidth > innerWidth ? ["the page scrolls", ...told] : told;
  },
};
