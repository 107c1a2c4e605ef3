// Search runs in a worker, and a browser refuses workers to pages that were opened from a folder (file://).
// There a hidden frame takes the worker's place, once somebody goes to the search field: to read the index takes a
// moment, and most readers of a page do not search. The worker's script looks for the name IFrameWorker.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    #waiting = []; // messages from before the script was there

    constructor(url) {
      super();
      const start = event => {
        if (!event.target.matches?.(".md-search__input")) return;
        document.removeEventListener("focusin", start);
        this.#start(url);
      };
      document.addEventListener("focusin", start);
    }

    #start(url) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.title = "search";
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = inside.document.createElement("script");
      script.src = url;
      script.onload = () => {
        const waiting = this.#waiting;
        this.#waiting = null;
        for (const data of waiting) this.postMessage(data);
      };
      inside.document.body.append(script);
    }

    postMessage(data) {
      if (this.#waiting) this.#waiting.push(data);
      else this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
    }

    terminate() {
      this.frame?.remove();
    }
  };
}
