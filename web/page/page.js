"use strict";

// The page keeps the snapshots of the last minute and draws what has changed between successive ones.

const every = 250; // milliseconds
const span = 60e9; // nanoseconds that are shown
const distances = [
	["core", "same core"], ["l2", "same L2"], ["l3", "same L3"],
	["node", "same node"], ["remote", "other node"], ["unknown", "not pinned"],
];
const shots = []; // snapshots, the oldest first
let paused = false;

const $ = (id) => document.getElementById(id);
const css = (name) => {
	const probe = $("probe") || document.body.appendChild(Object.assign(document.createElement("i"), { id: "probe", hidden: true }));
	probe.style.color = `var(--${name})`;
	return getComputedStyle(probe).color;
};
const keyColors = { core: "#2f9e77", l2: "#5cb85c", l3: "#3a86c8", node: "#7c6fd0", remote: "#d1495b", unknown: "#9aa5b4" };

// Numbers for people.
function count(n) {
	for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
		if (n >= size) return (n / size).toPrecision(3) + unit;
	}
	return n >= 10 || Number.isInteger(n) ? String(Math.round(n)) : n.toFixed(1);
}
function time(ns) {
	for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
		if (ns >= size) return Number((ns / size).toPrecision(ns >= 10 * size ? 2 : 3)) + " " + unit;
	}
	return Math.round(ns) + " ns";
}
const percent = (x) => Math.round(100 * Math.min(1, Math.max(0, x))) + " %";

// between tells what happened from one snapshot to the next.
function between(a, b) {
	const seconds = (b.now_ns - a.now_ns) / 1e9;
	const rate = (f) => Math.max(0, f(b.stats) - f(a.stats)) / seconds;
	const workers = b.stats.per_worker.map((w, i) => {
		const before = a.stats.per_worker[i] || { parked_ns: 0, searching_ns: 0, tasks: 0, steals: 0 };
		const part = (key) => Math.min(1, Math.max(0, (w[key] - before[key]) / 1e9 / seconds));
		const parked = w.state === "absent" ? 1 : part("parked_ns");
		const searching = w.state === "absent" ? 0 : Math.min(1 - parked, part("searching_ns"));
		return {
			parked, searching, busy: 1 - parked - searching,
			tasks: (w.tasks - before.tasks) / seconds, steals: (w.steals - before.steals) / seconds,
		};
	});
	const steals = {};
	for (const [key] of distances) steals[key] = rate((s) => s.steals_by[key]);
	return { seconds, workers, steals, tasks: rate((s) => s.tasks), all: rate((s) => s.steals) };
}

async function look() {
	if (!paused) {
		try {
			const answer = await fetch("stats");
			if (!answer.ok) throw new Error(await answer.text());
			const shot = await answer.json();
			const last = shots[shots.length - 1];
			if (last && shot.process !== last.process) shots.length = 0; // the program was started anew
			shots.push(shot);
			while (shots.length > 2 && shots[0].now_ns < shot.now_ns - span) shots.shift();
			$("problem").hidden = true;
			show();
		} catch (err) {
			$("problem").textContent = "No answer from the program: " + err.message;
			$("problem").hidden = false;
		}
	}
	setTimeout(look, every);
}

function show() {
	const now = shots[shots.length - 1];
	const s = now.stats;
	$("program").textContent = `${now.program}, process ${now.process} · ${now.go} · ${s.workers} workers, ` +
		`${s.started} started, ${s.pinned} pinned · ${now.goroutines} goroutines`;
	if (shots.length < 2) return;
	// Figures are over the last second, so that they can be read.
	let from = shots.length - 2;
	while (from > 0 && shots[from].now_ns > now.now_ns - 1e9) from--;
	const d = between(shots[from], now);
	const busy = d.workers.reduce((sum, w) => sum + w.busy, 0);
	$("busy").textContent = percent(busy / d.workers.length);
	$("busy-note").textContent = `${busy.toFixed(1)} of ${d.workers.length} workers`;
	$("tasks").textContent = count(d.tasks);
	$("tasks-note").textContent = `${count(s.tasks)} in all`;
	$("queued").textContent = count(s.queued) + (s.queued >= 1000 ? "+" : "");
	$("queued-note").textContent = `${count(s.waiting)} tasks wait`;
	for (const [id, h] of [["wait", s.queue_wait], ["ran", s.run_time]]) {
		$(id).textContent = h.count ? time(h.p50_ns) : "–";
		$(id + "-note").textContent = h.count ? `p99 ${time(h.p99_ns)} · max ${time(h.max_ns)}` : "no task yet";
	}
	$("steals").textContent = count(d.all);
	$("steals-note").textContent = `${count(s.failed)} rounds in vain`;

	$("table").replaceChildren(...s.per_worker.map((w, i) => {
		const row = document.createElement("tr");
		const cell = (text, kind) => {
			const c = row.appendChild(document.createElement("td"));
			c.textContent = text;
			c.className = kind || "";
		};
		cell(i);
		cell(w.cpus || "any");
		cell(w.state, "state " + w.state);
		cell(percent(d.workers[i].busy), "n");
		cell(count(d.workers[i].tasks), "n");
		cell(count(d.workers[i].steals), "n");
		cell(count(w.public), "n");
		cell(count(w.waiting), "n");
		return row;
	}));
	list("totals", [
		["forks made public", count(s.exposed)], ["taken back in time", count(s.stale)],
		["tasks cancelled", count(s.cancelled)], ["tasks rejected", count(s.rejected)],
		["panics", count(s.panicked)], ["runtime.Goexit", count(s.goexits)],
		["suspensions", count(s.suspended)], ["parks", count(s.parks)],
		["wakes", count(s.wakes)], ["stalls", count(s.stalls)],
	]);
	list("settings", now.settings.map((v) => [v.name, v.value, v.source]));
	draw();
}

function list(id, pairs) {
	$(id).replaceChildren(...pairs.map(([name, value, note]) => {
		const row = document.createElement("div");
		row.appendChild(document.createElement("dt")).textContent = name;
		const dd = row.appendChild(document.createElement("dd"));
		dd.textContent = value;
		if (note && note !== "default") dd.appendChild(document.createElement("small")).textContent = note;
		return row;
	}));
}

// canvas returns a context that draws in CSS pixels.
function canvas(id, height) {
	const c = $(id);
	if (height) c.style.height = height + "px";
	const ratio = window.devicePixelRatio || 1;
	const box = c.getBoundingClientRect();
	c.width = Math.round(box.width * ratio);
	c.height = Math.round(box.height * ratio);
	const g = c.getContext("2d");
	g.scale(ratio, ratio);
	g.font = "11px system-ui, 'DejaVu Sans', sans-serif";
	return [g, box.width, box.height];
}

function draw() {
	const end = shots[shots.length - 1].now_ns;
	const steps = [];
	for (let i = 1; i < shots.length; i++) {
		steps.push({ from: shots[i - 1].now_ns, to: shots[i].now_ns, ...between(shots[i - 1], shots[i]) });
	}
	drawWorkers(steps, end);
	const used = distances.filter(([key]) => shots[shots.length - 1].stats.steals_by[key] > 0);
	$("steal-legend").replaceChildren(...used.map(([key, name]) => {
		const li = document.createElement("li");
		li.className = key;
		li.textContent = name;
		return li;
	}));
	drawRates("stealing", steps, end, used.map(([key]) => [keyColors[key], (s) => s.steals[key]]));
	drawRates("starting", steps, end, [[css("tasks"), (s) => s.tasks]]);
}

const left = 52; // pixels for labels
const foot = 18;

function axis(g, width, height, end) {
	g.fillStyle = css("faint");
	g.strokeStyle = css("line");
	g.textAlign = "center";
	for (let back = 0; back <= 60; back += 15) {
		const x = Math.min(width - 16, Math.max(left + 12, left + (width - left) * (1 - back / 60)));
		g.fillText(back ? `−${back} s` : "now", x, height - 4);
	}
}

// A row for each worker, in which each stretch of time is filled from below as far as it was busy, then searching.
function drawWorkers(steps, end) {
	const n = steps[0] ? steps[steps.length - 1].workers.length : 0;
	const pitch = Math.max(4, Math.min(44, Math.floor(640 / Math.max(1, n))));
	const gap = pitch > 8 ? 4 : 1;
	const [g, width, height] = canvas("workers", n * pitch + foot);
	const x = (t) => left + (width - left) * (1 - (end - t) / span);
	const colors = { busy: css("busy"), searching: css("searching"), parked: css("parked"), faint: css("faint") };
	for (let i = 0; i < n; i++) {
		const top = i * pitch, h = pitch - gap;
		g.fillStyle = colors.parked;
		const first = Math.max(left, x(steps[0].from));
		g.fillRect(first, top, width - first, h);
		for (const s of steps) {
			const w = s.workers[i];
			if (!w) continue;
			const a = Math.max(left, x(s.from)), b = Math.max(left, x(s.to)) + 0.4;
			g.fillStyle = colors.busy;
			g.fillRect(a, top + h * (1 - w.busy), b - a, h * w.busy);
			g.fillStyle = colors.searching;
			g.fillRect(a, top + h * (1 - w.busy - w.searching), b - a, h * w.searching);
		}
		if (pitch >= 12 || i % Math.ceil(14 / pitch) === 0) {
			g.fillStyle = colors.faint;
			g.textAlign = "right";
			g.fillText(String(i), left - 8, top + h / 2 + 4);
		}
	}
	axis(g, width, height, end);
}

// Stacked areas of rates.
function drawRates(id, steps, end, series) {
	const [g, width, height] = canvas(id);
	const x = (t) => left + (width - left) * (1 - (end - t) / span);
	const bottom = height - foot;
	let most = 1;
	for (const s of steps) most = Math.max(most, series.reduce((sum, [, f]) => sum + f(s), 0));
	const round = 10 ** Math.floor(Math.log10(most));
	most = Math.ceil(most / round) * round;
	const y = (v) => bottom - (bottom - 8) * (v / most);
	g.strokeStyle = css("line");
	g.fillStyle = css("faint");
	g.textAlign = "right";
	for (const v of [0, most / 2, most]) {
		g.beginPath();
		g.moveTo(left, Math.round(y(v)) + 0.5);
		g.lineTo(width, Math.round(y(v)) + 0.5);
		g.stroke();
		g.fillText(count(v), left - 8, y(v) + 4);
	}
	const base = steps.map(() => 0);
	for (const [color, f] of series) {
		g.fillStyle = color;
		steps.forEach((s, i) => {
			const v = f(s), a = Math.max(left, x(s.from)), b = Math.max(left, x(s.to)) + 0.4;
			g.fillRect(a, y(base[i] + v), b - a, y(base[i]) - y(base[i] + v));
			base[i] += v;
		});
	}
	axis(g, width, height, end);
}

$("pause").addEventListener("click", () => {
	paused = !paused;
	$("pause").textContent = paused ? "Go on" : "Pause";
	$("pause").setAttribute("aria-pressed", String(paused));
});

$("trace").addEventListener("click", async () => {
	const button = $("trace"), label = button.textContent;
	button.disabled = true;
	button.textContent = "Recording…";
	try {
		const answer = await fetch("trace?seconds=" + encodeURIComponent($("seconds").value));
		if (!answer.ok) throw new Error(await answer.text());
		const link = document.createElement("a");
		link.href = URL.createObjectURL(await answer.blob());
		link.download = "pinwheel-trace.json";
		link.click();
		setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
		$("problem").hidden = true;
	} catch (err) {
		$("problem").textContent = "No trace: " + err.message;
		$("problem").hidden = false;
	}
	button.disabled = false;
	button.textContent = label;
});

window.addEventListener("resize", () => { if (shots.length > 1) draw(); });
look();
