/* A recorded run, drawn moment by moment.
 *
 * draw(state) makes the picture of one moment and knows nothing else, so that a live view can use it as well.
 * Player adds the controls to one <div class="player">, whose text alternative and data are in the page already.
 * Everything that comes from a program reaches the page as text (never as HTML).
 *
 * A state (docs/theme/story.py makes them from a trace; what is empty may be left out):
 *   kind      "wake": a wait is over · "calls": what the program did, and how things stand at the end of the turn ·
 *             "idle": turns that moved nothing · "rest": all is quiet
 *   turn, times, at, later      its number, how many like it, seconds, seconds since the turn before if they are many
 *   waited_in, ready, interest  a call other than select · [{who, events: "r" | "w" | "rw"}] · {who: events}
 *   calls     [{call, who, data, asked, result, new, times}]
 *   people    [{name, state: "away" | "door" | "in" | "over", note, life, way, arrived, buffer, queue, leaving,
 *               fresh, read, stream: {had, got, frames, stays} or {had, got, lost}}]: bytes are text in latin-1
 *   waits     {waits_in, who, crash, fault}
 *   timers    [seconds], the earliest first; absent where the program has none
 *   horizon   seconds: the end of the line on which they are drawn; without it, the last of them
 *   say       one sentence
 */
"use strict";

const SHAPES = ["M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12z", "M8 2l6.5 12h-13z", "M2.5 2.5h11v11h-11z", "M8 1l7 7-7 7-7-7z",
  "M8 1l2 5h5l-4 3.4 1.5 5.6-4.5-3.4-4.5 3.4 1.5-5.6-4-3.4h5z", "M8 1l7 5.2-2.7 8.3h-8.6l-2.7-8.3z"];
const ICONS = { Back: "M13 2v12l-7-6zM2.5 2h2.5v12h-2.5z", Play: "M4 2v12l9-6z", Pause: "M3.5 2h3.4v12h-3.4zM9.1 2h3.4v12h-3.4z",
  Next: "M3 2v12l7-6zM11 2h2.5v12h-2.5z" };
const STATES = { away: "not here yet", door: "at the door, not accepted", in: "connected", over: "connection closed" };
const EVENTS = { r: "read", w: "write" };
const ERRORS = { EAGAIN: "BlockingIOError", ECONNRESET: "ConnectionResetError", EPIPE: "BrokenPipeError" };
const MANY = 24; // bytes of a piece that are drawn one by one
const LINES = 2; // of what a client has read
const TIMERS = 6; // that are written out; sentences.py names as many

/** An element; in a picture, one of SVG. Children that are strings become text; null is left out. */
function make(tag, attributes, ...children) {
  const [, isDrawn, name] = tag.match(/^(svg:)?(.*)/);
  const element = isDrawn ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const span = (name, ...children) => make("span", { class: name }, ...children);
const icon = (path) => make("svg:svg", { class: "p-icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, make("svg:path", { d: path }));

// ------------------------------------------------------------ bytes

/** One byte: itself if it can be seen, else its name or its number. */
function byteTile(char, extra) {
  const code = char.charCodeAt(0);
  if (char === "\n") return span(`p-byte p-sign ${extra}`, "⏎");
  if (code > 32 && code < 127) return span(`p-byte ${extra}`, char);
  if (code === 32) return span(`p-byte ${extra}`, " ");
  return span(`p-byte p-sign ${extra}`, code.toString(16).padStart(2, "0"));
}

/** A piece of a stream. The last `fresh` bytes are marked; the middle of a long piece is left out. */
function bytes(text, { fresh = 0, kind = "" } = {}) {
  const tiles = [...text].map((char, at) => byteTile(char, at >= text.length - fresh ? "p-fresh" : ""));
  if (tiles.length > MANY) {
    tiles.splice(14, tiles.length - 20, span("p-left-out", `… ${text.length} bytes …`));
  }
  return make("span", { class: `p-bytes ${kind}`, "data-bytes": text }, tiles);
}

// ------------------------------------------------------------ one client

/** What the selector is asked for (ring), and what it has reported (disc). */
function chips(who, state) {
  const asked = (state.interest || {})[who] || "";
  const ready = state.kind === "wake" || state.kind === "idle" ? state.ready || [] : [];
  const events = state.waited_in ? "" : ready.filter((one) => one.who === who).map((one) => one.events).join("");
  return [..."rw"].filter((event) => asked.includes(event) || events.includes(event)).map((event) => {
    const isReady = events.includes(event);
    return span(`p-chip ${isReady ? "p-ready" : ""}`, isReady ? "● " : "○ ", EVENTS[event], isReady ? " ready" : "");
  });
}

/** A place for bytes: the kernel's, or the program's. */
function cell(kind, where, ...content) {
  return make("div", { class: `p-cell p-${kind}`, "data-where": where }, ...content);
}

/** The receive buffer; in the moment of the calls, also what was cut out of the stream. */
function buffer(person, isWorking) {
  const { stream } = person;
  if (person.buffer === undefined && !stream) return span("p-none", "—");
  const stays = person.buffer ? bytes(person.buffer) : null;
  if (!stream || !isWorking) return stays;
  if (stream.lost) return [span("p-label", "not looked at"), bytes(stream.had + stream.got, { kind: "p-lost" })];
  if (!stream.frames.length) return [span("p-label", "no whole frame"), stays];
  const frames = stream.frames.map((frame) => bytes(frame, { kind: "p-frame" }));
  return [span("p-label", "✂\ufe0e cut out"), ...frames, ...(stays ? [span("p-label", "stays"), stays] : [])];
}

/** What a client has read, as its screen shows it: the last lines, and a mark where the next byte will stand. */
function screen(person) {
  const read = person.read || "";
  const lines = read.split("\n");
  const isOpen = lines.at(-1) !== "";
  if (!isOpen) lines.pop();
  const text = readable(lines.slice(-LINES).join("\n"));
  return make("div", { class: "p-screen", "data-read": read },
    span("p-label", lines.length > LINES ? "has read …" : "has read"),
    make("div", { class: "p-text" }, text, isOpen ? span("p-cursor", "▏") : null));
}

/** The bytes as UTF-8 if they are, else one by one. Controls are shown, not obeyed. */
function readable(latin) {
  let text = latin;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(latin, (char) => char.charCodeAt(0)));
  } catch {
    // not UTF-8: each byte that is not ASCII is shown as a number
  }
  const isShown = (char) => char === "\n" || (char >= " " && char <= "~") || (text !== latin && char > "\xa0");
  const number = (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return [...text].map((char) => (isShown(char) ? char : number(char))).join("");
}

function drawPerson(person, index, state) {
  const more = [person.life, person.note].filter(Boolean).join(", ");
  const words = person.state === "in" && more ? more : [STATES[person.state], more].filter(Boolean).join(", ");
  const out = { fresh: person.fresh || 0 };
  const isNew = state.kind === "wake" && (state.ready || []).some((one) => one.who === person.name);
  const way = person.way ? [span("p-label", "on its way"), bytes(person.way, { kind: "p-way" })] : [];
  const arrived = person.arrived ? bytes(person.arrived, { fresh: isNew ? person.arrived.length : 0 }) : null;
  return make("section", { class: `p-person p-is-${person.state}`, "data-name": person.name },
    make("div", { class: "p-who" },
      span("p-shape", icon(SHAPES[index % SHAPES.length])), make("b", {}, person.name), " ",
      span("p-state", words), span("p-chips", chips(person.name, state))),
    make("div", { class: "p-lanes" },
      span("p-side p-from", "from"), cell("kernel p-in", "kernel-in", way, arrived),
      cell("memory p-in", "buffer", buffer(person, state.kind === "calls")),
      span("p-side p-to", "to"), cell("kernel p-out", "kernel-out", person.leaving ? bytes(person.leaving, out) : null),
      cell("memory p-out", "queue",
        person.queue === undefined ? span("p-none", "—") : person.queue ? bytes(person.queue) : null)),
    screen(person));
}

// ------------------------------------------------------------ one moment

/** recv(ana) → o i, or send(ana, t u d o) → 4 of 10. */
function drawCall(call) {
  const { who, data = "", times } = call;
  const failed = typeof call.result === "string";
  const result = failed ? ERRORS[call.result] || call.result : call.result;
  const asked = call.asked ?? data.length;
  const line = [span("p-name", call.call), "("];
  if (call.call === "accept") line.push(") → ", make("b", {}, call.new || result));
  else if (call.call.startsWith("recv")) line.push(who, ") → ", data ? bytes(data) : failed ? result : "'', the end");
  else if (call.call.startsWith("send") && failed) line.push(who, ") → ", result);
  else if (call.call.startsWith("send")) {
    const taken = bytes(data.slice(0, result));
    line.push(who, ", ", data ? taken : "''", ")");
    if (result < asked) line.push(` → ${result} of ${asked} `, span("p-flag", `short: ${asked - result} wait`));
  } else line.push(who, ")");
  if (failed) line.push(" ", span("p-flag", call.result === "EAGAIN" ? "not now" : "error"));
  if (times > 1) line.push(" ", span("p-times", `× ${times}`));
  return make("li", { class: `p-call p-${call.call.startsWith("recv") ? "in" : "out"}` }, line);
}

/** For when the timers are set, and how far away that is: on the line the dot is now, and each stroke is a timer. */
function drawTimers({ kind, at = 0, timers, horizon }) {
  if (!timers && horizon === undefined) return null;
  const isDue = (when) => kind === "wake" && when <= at;
  const chip = (when) => span(`p-chip ${isDue(when) ? "p-ready" : ""}`, isDue(when) ? "● " : "○ ", `${when.toFixed(3)} s`, isDue(when) ? " due" : "");
  const end = horizon || Math.max(at, ...(timers || [])) || 1;
  const x = (when) => `${Math.min(100, (100 * when) / end).toFixed(2)}%`;
  const line = make("svg:svg", { class: "p-line" },
    make("svg:line", { x1: "0%", x2: "100%", y1: 8, y2: 8 }),
    make("svg:line", { class: "p-past", x1: "0%", x2: x(at), y1: 8, y2: 8 }),
    (timers || []).map((when) => make("svg:line", { class: "p-stroke", x1: x(when), x2: x(when), y1: 1, y2: 15 })),
    make("svg:circle", { cx: x(at), cy: 8, r: 4 }));
  const chips = (timers || []).slice(0, TIMERS).map(chip);
  const more = (timers || []).length - TIMERS;
  return make("div", { class: "p-timers" }, make("b", {}, "timers"), " ",
    span("p-chips", timers ? (chips.length ? chips : "none set") : span("p-none", "—"), more > 0 ? `${more} more` : null),
    timers ? line : null);
}

/** Where in its turn the program is. */
function drawPhases(state) {
  const waits = state.waits || {};
  const isGone = state.kind === "rest" && !waits.waits_in;
  const end = waits.crash ? "crashed" : waits.fault ? "for ever" : "ended";
  const woke = state.waited_in ? "wait over" : "select returns";
  const stuck = waits.waits_in && waits.waits_in !== "select" ? `in ${waits.waits_in}` : "waits";
  const phases = [["wake", woke], ["calls", "calls"], ["rest", isGone ? end : stuck]];
  const current = state.kind === "idle" ? ["wake", "calls"] : [state.kind];
  return make("div", { class: `p-phases ${isGone ? "p-gone" : ""}` }, phases.map(([kind, text]) =>
    span(`p-phase ${current.includes(kind) ? "p-current" : ""}`, current.includes(kind) ? `▸ ${text}` : text)));
}

/** The picture of one moment. */
function draw(state) {
  const { turn, times = 1, interest = {} } = state;
  const number = times > 1 ? `turns ${turn}–${turn + times - 1}` : turn ? `turn ${turn}` : "no turn";
  const calls = state.kind === "calls" ? state.calls || [] : [];
  const own = ["listener", "wakeup"].filter((name) => name in interest);
  return make("div", { class: `p-moment p-kind-${state.kind}` },
    make("div", { class: "p-when" },
      make("b", {}, number), times > 1 ? span("p-times", `× ${times} the same`) : null,
      state.later ? span("p-times", `${state.later} s later`) : null,
      state.at === undefined ? null : span("p-at", `${state.at.toFixed(3)} s`)),
    drawPhases(state),
    make("div", { class: "p-happens" }, calls.length ? make("ol", { class: "p-calls" }, calls.map(drawCall)) : state.say),
    make("div", { class: "p-heads" }, span("p-head-kernel", "in the kernel"), span("p-head-memory", "in the program")),
    own.length
      ? make("div", { class: "p-own" }, own.map((name) => span("p-door", make("b", {}, name), " ", chips(name, state))))
      : null,
    drawTimers(state),
    (state.people || []).map((person, index) => drawPerson(person, index, state)));
}

// ------------------------------------------------------------ the player

/** Two lists of moments side by side, so that like stands beside like as often as can be; one of them may have to wait. */
function paired(left, right) {
  const found = new Map();
  const way = (i, j) => {
    const key = `${i} ${j}`;
    if (!found.has(key)) {
      const earlier = [[i - 1, j - 1], [i - 1, j], [i, j - 1]].filter(([a, b]) => a >= 0 && b >= 0);
      const { cost, pairs } = earlier.map(([a, b]) => way(a, b))
        .reduce((best, one) => (one.cost < best.cost ? one : best), { cost: earlier.length ? Infinity : 0, pairs: [] });
      found.set(key, { cost: cost + (left[i].kind === right[j].kind ? 1 : 3), pairs: [...pairs, [i, j]] });
    }
    return found.get(key);
  };
  return way(left.length - 1, right.length - 1).pairs;
}

/** Which moment of each run is shown at which position: the runs go together from step to step of the script. */
function timeline(runs, count) {
  const positions = [];
  let last = runs.map(() => 0);
  for (let step = 0; step < count; step += 1) {
    const here = runs.map((run, index) => {
      const found = run.moments.flatMap((moment, at) => (moment.step === step ? [{ kind: moment.kind, at }] : []));
      return found.length ? found : [{ kind: "", at: last[index] }]; // it stays as it is
    });
    if (runs.every((run, index) => here[index][0].kind === "")) continue;
    const rows = here.length === 1 ? here[0].map((_, i) => [i]) : paired(here[0], here[1]);
    for (const row of rows) {
      last = row.map((i, index) => here[index][i].at);
      positions.push({ step, shown: last });
    }
  }
  return positions;
}

class Player {
  constructor(root) {
    this.root = root;
    this.words = root.querySelector(".player-words");
    const { script, runs } = JSON.parse(root.querySelector("script").textContent);
    this.script = script;
    this.runs = runs;
    this.positions = timeline(runs, script.length);
    const moments = runs.flatMap((run) => run.moments);
    if (moments.some((moment) => moment.timers)) {
      const horizon = Math.max(...moments.flatMap((moment) => [moment.at, ...(moment.timers || [])]));
      for (const moment of moments) moment.horizon = horizon;
    }
    this.at = 0;
    this.timer = null;
    this.build();
    this.show(0, false);
    new ResizeObserver(() => this.settle()).observe(this.stages[0]);
  }

  build() {
    const button = (name, text, act) => {
      const made = make("button", { type: "button", class: `p-button p-${name}` }, icon(ICONS[text]), text);
      made.addEventListener("click", act);
      return made;
    };
    this.step = make("p", { class: "p-step" });
    this.stages = this.runs.map(() => make("div", { class: "p-stage" }));
    this.back = button("back", "Back", () => this.go(this.at - 1));
    this.playing = button("play", "Play", () => this.toggle());
    this.next = button("next", "Next", () => this.go(this.at + 1));
    this.range = make("input", { type: "range", min: 0, max: this.positions.length - 1, "aria-label": "Moment of the run" });
    this.range.addEventListener("input", () => this.go(Number(this.range.value)));
    this.count = span("p-count");
    this.ticks = this.script.map((_, step) => {
      const width = this.positions.filter((position) => position.step === step).length;
      return make("span", { class: "p-tick", style: `flex-grow: ${width}`, hidden: !width });
    });
    this.live = make("p", { class: "p-live", "aria-live": "polite" });
    const boards = this.runs.map((run, index) =>
      make("div", { class: "p-run" }, make("p", { class: "p-title" }, run.title), this.stages[index]));
    const controls = make("div", { class: "p-controls" }, this.back, this.playing, this.next,
      make("div", { class: "p-scrub" }, this.range, make("div", { class: "p-ticks", "aria-hidden": "true" }, this.ticks)),
      this.count);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", `A recorded run. ${this.runs.map((run) => run.title).join(". ")}`);
    this.root.classList.add("p-live-player");
    this.words.open = false;
    this.root.prepend(
      make("div", { class: "p-picture", "aria-hidden": "true" }, this.step, make("div", { class: "p-runs" }, boards)),
      controls, this.live);
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.querySelector(".p-picture").addEventListener("click", () => this.range.focus({ preventScroll: true }));
  }

  /** Show a position; what the reader asked for is also said. */
  show(at, isAsked = true) {
    this.at = Math.max(0, Math.min(this.positions.length - 1, at));
    const { step, shown } = this.positions[this.at];
    this.step.replaceChildren(span("p-number", `Step ${step + 1} of ${this.script.length}`), " ", make("b", {}, this.script[step]));
    shown.forEach((index, run) => this.stages[run].replaceChildren(draw(this.runs[run].moments[index])));
    this.range.value = this.at;
    this.range.setAttribute("aria-valuetext", `${this.at + 1} of ${this.positions.length}`);
    this.count.textContent = `${this.at + 1} / ${this.positions.length}`;
    this.ticks.forEach((tick, index) => tick.classList.toggle("p-current", index === step));
    this.back.setAttribute("aria-disabled", this.at === 0);
    this.next.setAttribute("aria-disabled", this.at === this.positions.length - 1);
    if (isAsked) this.live.textContent = this.said(shown);
    this.hold();
  }

  said(shown) {
    const lists = this.words.querySelectorAll("ol");
    const prefix = (run) => (this.runs.length > 1 ? `${this.runs[run].name}: ` : "");
    return shown.map((index, run) => prefix(run) + lists[run].children[index].textContent).join(" ");
  }

  /** Go there, and stop playing. */
  go(at) {
    this.pause();
    this.show(at);
  }

  toggle() {
    if (this.timer) {
      this.pause();
      return;
    }
    this.playing.replaceChildren(icon(ICONS.Pause), "Pause");
    this.root.classList.add("p-playing");
    if (this.at === this.positions.length - 1) this.show(0);
    this.wait();
  }

  /** The more calls, the longer. */
  wait() {
    const calls = this.positions[this.at].shown.map((index, run) => (this.runs[run].moments[index].calls || []).length);
    this.timer = setTimeout(() => {
      this.show(this.at + 1);
      if (this.at === this.positions.length - 1) this.pause();
      else this.wait();
    }, 1600 + 400 * Math.max(...calls));
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    this.root.classList.remove("p-playing");
    this.playing.replaceChildren(icon(ICONS.Play), "Play");
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || this.words.contains(event.target)) return;
    const isButton = event.target.tagName === "BUTTON";
    const end = this.positions.length - 1;
    const acts = {
      ArrowLeft: () => this.go(this.at - 1),
      ArrowRight: () => this.go(this.at + 1),
      Home: () => this.go(0),
      End: () => this.go(end),
      " ": isButton ? undefined : () => this.toggle(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** Find out how high each part gets, so that nothing jumps from moment to moment. */
  settle() {
    const width = this.stages[0].clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    this.heights = new Map();
    this.runs.forEach((run, index) => {
      for (const moment of run.moments) {
        this.stages[index].replaceChildren(draw(moment));
        for (const [name, part] of parts(this.stages[index])) {
          this.heights.set(name, Math.max(this.heights.get(name) || 0, part.getBoundingClientRect().height));
        }
      }
    });
    const { shown } = this.positions[this.at];
    shown.forEach((index, run) => this.stages[run].replaceChildren(draw(this.runs[run].moments[index])));
    this.hold();
  }

  hold() {
    if (!this.heights) return;
    for (const [name, part] of this.stages.flatMap(parts)) part.style.minHeight = `${this.heights.get(name)}px`;
  }
}

/** The parts of a stage that keep their height, each with a name. */
function parts(stage) {
  return [".p-happens", ".p-own", ".p-timers", ".p-person"].flatMap((selector) =>
    [...stage.querySelectorAll(selector)].map((part, index) => [`${selector} ${index}`, part]));
}

for (const root of document.querySelectorAll(".player")) new Player(root);
