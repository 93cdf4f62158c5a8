package netpoll

import (
	"time"
)

// A turner makes a poller a [worker.Loop].
type turner struct{ p *Poller }

func (l turner) Turn(worker int, now time.Duration) bool {
	return l.p.Wheels().Shard(worker).Poll(now)+l.p.Poll() > 0
}

func (l turner) Rest(int) time.Duration { return 1<<63 - 1 }
func (l turner) Rise(int)               {}
func (l turner) Close()                 { _ = l.p.Close() }
