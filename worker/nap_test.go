package worker

import (
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

func TestOnlyARestlessWorkerBesideOneThatIsAwakeNaps(t *testing.T) {
	p, err := New(Config{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	w := p.workers[0] // has not started
	expect := func(when string, until, least, most time.Duration) {
		t.Helper()
		if d := w.napFor(until); d < least || d > most {
			t.Errorf("%s: naps for %v, want %v to %v", when, d, least, most)
		}
	}
	hour := atom.Now() + time.Hour
	w.restless = true
	expect("nobody is awake", forever, 0, 0)
	p.state.Add(oneAwake)
	expect("another is awake", forever, napTime, napTime)
	expect("with a timer in an hour", hour, napTime, napTime)
	expect("with a timer that is due", atom.Now(), -time.Hour, 0)
	soon := napTime / 2
	expect("with a timer that is due soon", atom.Now()+soon, -time.Hour, soon)
	w.restless = false
	expect("calm", forever, 0, 0)
	p.state.Add(^(oneAwake - 1))
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
