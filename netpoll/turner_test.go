package netpoll

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A turner makes a poller a [worker.Loop].
type turner struct{ p *Poller }

func (l turner) Turn(worker int, now time.Duration) (due, ready bool) {
	return l.p.Wheels().Shard(worker).Poll(now) > 0, l.p.Poll() > 0
}

func (l turner) Watch(word *atom.Uint32, until time.Duration) (watched, found bool) {
	return l.p.Watch(word, until)
}

func (l turner) Deliver()                      { l.p.Deliver() }
func (l turner) Rouse(word *atom.Uint32)       { l.p.Rouse(word) }
func (l turner) Rest(int) time.Duration        { return 1<<63 - 1 }
func (l turner) Rise(_ int, word *atom.Uint32) { l.p.Rise(word) }
func (l turner) Close()                        { _ = l.p.Close() }
