//go:build unix

package web_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
	"github.com/pinwheel-sched/pinwheel/web"
)

// A browser is a Chromium without a window, spoken to in the DevTools protocol over a pair of pipes: messages of JSON, each with
// a zero byte behind it.
type browser struct {
	t       *testing.T
	out     *os.File
	in      *bufio.Reader
	id      int
	session string
	dir     string // for downloads
	seen    []string
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no browser: neither chromium nor google-chrome is installed")
	}
	dir, err := os.MkdirTemp("", "browser") // not t.TempDir: children of the browser may still write there for a moment
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	toBrowser, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, fromBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--window-size=1280,1400", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+filepath.Join(dir, "profile"))
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser} // 3 and 4
	if err := cmd.Start(); err != nil {
		t.Skipf("the browser %s does not start: %v", path, err)
	}
	_ = toBrowser.Close()
	_ = fromBrowser.Close()
	b := &browser{t: t, out: out, in: bufio.NewReaderSize(in, 1<<20), dir: dir}
	t.Cleanup(func() {
		_, _ = out.WriteString(`{"id":1000000,"method":"Browser.close"}` + "\x00")
		_, _ = io.Copy(io.Discard, in) // until it has ended
		_ = cmd.Wait()
		_ = out.Close()
		_ = in.Close()
	})
	// If the browser says nothing for so long, something is wrong with it.
	watchdog := time.AfterFunc(4*time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { watchdog.Stop() })
	return b
}

// call makes a call and decodes its result.
func (b *browser) call(method string, params any, result any) {
	b.t.Helper()
	b.id++
	message := map[string]any{"id": b.id, "method": method, "params": params}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.out.Write(append(text, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		text, err := b.in.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("%s: the browser has gone: %v", method, err)
		}
		var answer struct {
			ID     int
			Method string
			Params json.RawMessage
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(text[:len(text)-1], &answer); err != nil {
			b.t.Fatalf("%s: %v in %.200s", method, err, text)
		}
		if answer.Method == "Runtime.exceptionThrown" || answer.Method == "Log.entryAdded" {
			b.seen = append(b.seen, string(answer.Params))
		}
		if answer.ID != b.id {
			continue // an event
		}
		if answer.Error != nil {
			b.t.Fatalf("%s: %s", method, answer.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
		return
	}
}

type args map[string]any

// open shows a page.
func (b *browser) open(url string) {
	b.t.Helper()
	var target struct{ TargetID string }
	b.call("Target.createTarget", args{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", args{"targetId": target.TargetID, "flatten": true}, &attached)
	b.call("Browser.setDownloadBehavior", args{"behavior": "allow", "downloadPath": b.dir}, nil)
	b.session = attached.SessionID
	b.call("Runtime.enable", args{}, nil)
	b.call("Log.enable", args{}, nil)
	b.call("Page.navigate", args{"url": url}, nil)
}

// eval returns the value of an expression, as JSON. Promises are awaited.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", args{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	return string(r.Result.Value)
}

// until waits, in the browser, until an expression is true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	got := b.eval(fmt.Sprintf(`new Promise((resolve) => {
		const end = performance.now() + 100000;
		(function look() {
			let ok = false;
			try { ok = %s; } catch (err) { }
			if (ok || performance.now() > end) resolve(ok); else setTimeout(look, 20);
		})();
	})`, expression))
	if got != "true" {
		b.t.Fatalf("%s: never; the page says:\n%s", what, b.eval("document.body.innerText"))
	}
}

func TestThePageShowsTheSchedulerInABrowser(t *testing.T) {
	b := startBrowser(t)
	s, ctx := scheduler(t)
	w, err := web.Listen(s, "")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()

	// Something to see: loops with rests between them.
	quit, over := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		for quit.Err() == nil {
			_ = sched.For(quit, 300, func(int) { spin(20 * time.Microsecond) })
			g := sched.NewGroup(quit)
			for range 20 {
				g.Go(func(t *sched.Task) error { return sched.Sleep(t, time.Millisecond) })
			}
			_ = g.Wait()
		}
		ended <- nil
	}()
	defer func() { over(); <-ended }()

	b.open(w.URL())
	b.until("rows of two workers", `document.querySelectorAll("#table tr").length === 2`)
	b.until("a history of some samples", `shots.length > 8`)
	b.until("a worker that is busy", `parseInt(document.getElementById("busy").textContent) > 0`)
	b.until("tasks a second", `parseFloat(document.getElementById("tasks").textContent) > 0`)
	b.until("a queue wait", `/\d (ns|µs|ms|s)/.test(document.getElementById("wait").textContent)`)
	b.until("all settings", `document.querySelectorAll("#settings div").length >= 10`)
	b.until("the chart of the workers has colour", `(() => {
		const c = document.getElementById("workers");
		const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		const colours = new Set();
		for (let i = 0; i < d.length; i += 4) colours.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
		return colours.size > 3;
	})()`)
	if wide := b.eval(`document.documentElement.scrollWidth <= document.documentElement.clientWidth`); wide != "true" {
		t.Error("the page is wider than the window")
	}

	b.eval(`document.getElementById("seconds").options[0].selected = true; document.getElementById("trace").click()`)
	b.until("the trace button is back", `!document.getElementById("trace").disabled`)
	if hidden := b.eval(`document.getElementById("problem").hidden`); hidden != "true" {
		t.Error("a problem is shown:", b.eval(`document.getElementById("problem").textContent`))
	}
	path := filepath.Join(b.dir, "pinwheel-trace.json")
	var text []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); { // the browser writes it after the click
		if text, err = os.ReadFile(path); err == nil && len(text) > 0 {
			break
		}
		b.eval(`new Promise((resolve) => setTimeout(resolve, 10))`)
	}
	var events []map[string]any
	if err := json.Unmarshal(text, &events); err != nil || len(events) < 10 {
		t.Errorf("the downloaded trace has %d events: %v", len(events), err)
	}

	b.eval(`document.getElementById("pause").click()`)
	if p := b.eval(`document.getElementById("pause").getAttribute("aria-pressed")`); p != `"true"` {
		t.Errorf("pressed: %s", p)
	}
	if name := os.Getenv("PAGE_SCREENSHOT"); name != "" {
		var shot struct{ Data string }
		b.call("Page.captureScreenshot", args{"format": "png", "captureBeyondViewport": true}, &shot)
		png, err := base64.StdEncoding.DecodeString(shot.Data)
		if err == nil {
			err = os.WriteFile(name, png, 0o644)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if len(b.seen) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(b.seen, "\n"))
	}
}

func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}
