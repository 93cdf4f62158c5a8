package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// A generator writes lines of a log. It is a reader without an end.
type generator struct {
	rng  *rand.Rand
	rest []byte
}

func newGenerator() *generator { return &generator{rng: rand.New(rand.NewPCG(3, 4))} }

func (g *generator) line() []byte {
	path := fmt.Sprintf("/page/%d", int(g.rng.ExpFloat64()*200))
	size := "-"
	if g.rng.IntN(10) > 0 {
		size = strconv.Itoa(g.rng.IntN(1 << 20))
	}
	return fmt.Appendf(nil, "10.0.%d.%d - - [10/Oct/2000:13:55:36 -0700] \"GET %s HTTP/1.0\" 200 %s\n",
		g.rng.IntN(256), g.rng.IntN(256), path, size)
}

func (g *generator) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		g.rest = g.line()
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

func top(t *testing.T, log io.Reader, n int) string {
	t.Helper()
	counts := map[string]count{}
	if err := countLog(context.Background(), log, counts, 1_000_000); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printTop(&out, counts, n); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheTopIsWhatAwkSays(t *testing.T) {
	if _, err := exec.LookPath("awk"); err != nil {
		t.Skip("there is no awk:", err)
	}
	var log bytes.Buffer
	g := newGenerator()
	for i := range 30_000 {
		log.Write(g.line())
		if i == 777 {
			log.WriteString("this is no line of a log\n")
		}
	}
	log.Truncate(log.Len() - 1) // the last line has no end
	name := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(name, log.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	awk := exec.Command("sh", "-c",
		`awk '$6 ~ /^"/ {n[$7]++; b[$7]+=$10} END {for (k in n) printf "%d %d %s\n", n[k], b[k], k}' "$0" | LC_ALL=C sort -k1,1nr -k3,3 | head -n 50`, name)
	want, err := awk.Output()
	if err != nil {
		t.Fatal(err)
	}
	for what, r := range map[string]io.Reader{
		"whole": bytes.NewReader(log.Bytes()), "in halves": iotest.HalfReader(bytes.NewReader(log.Bytes())),
	} {
		if got := top(t, r, 50); got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
		}
	}
}

func TestALineThatIsLongerThanABlock(t *testing.T) {
	path := "/" + strings.Repeat("x", 3*blockSize)
	log := fmt.Sprintf("a - - [t] \"GET %s HTTP/1.0\" 200 5\na - - [t] \"GET /y HTTP/1.0\" 200 7\n", path)
	if got, want := top(t, strings.NewReader(log), 5), "1 5 "+path+"\n1 7 /y\n"; got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
}

func TestErrorsOfTheLogEndIt(t *testing.T) {
	log := io.MultiReader(strings.NewReader("x\n"), iotest.ErrReader(io.ErrClosedPipe))
	if err := countLog(context.Background(), log, map[string]count{}, 10); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

func TestPathsBeyondTheLimitAreOthers(t *testing.T) {
	counts := map[string]count{}
	log := io.LimitReader(newGenerator(), 1<<20)
	if err := countLog(context.Background(), log, counts, 10); err != nil || len(counts) != 11 || counts["(other)"].requests == 0 {
		t.Error(len(counts), err)
	}
}

// The memory that the program needs does not depend on the size of the log. LOGSTAT_GIB sets that, for long runs.
func TestMemoryIsBounded(t *testing.T) {
	size := int64(64 << 20)
	if gib, err := strconv.ParseInt(os.Getenv("LOGSTAT_GIB"), 10, 64); err == nil {
		size = gib << 30
	}
	var block []byte // repeated, for the generator is slower than what is tested
	g := newGenerator()
	for len(block) < 1<<20 {
		block = append(block, g.line()...)
	}
	before := mapped()
	counts := map[string]count{}
	r := io.LimitReader(&repeater{text: block}, size)
	if err := countLog(context.Background(), r, counts, 1_000_000); err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, c := range counts {
		total += c.requests
	}
	most := max(mapped()-before, 0)
	t.Logf("%d requests in %d MiB; %d MiB were mapped for them", total, size>>20, most>>20)
	if most > 100<<20 {
		t.Errorf("%d MiB", most>>20)
	}
	debug.FreeOSMemory()
}

// mapped returns how much memory the runtime has asked the system for, which it never unmaps: a peak.
func mapped() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

type repeater struct {
	text []byte
	at   int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}
