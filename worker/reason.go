package worker

// A Reason says what a task waits for. [Pool.Tasks] reports it.
type Reason uint8

const (
	ForSomething Reason = iota // its maker did not say
	ForJoin                    // the end of a stolen fork
	ForFuture
	ForGroup
	ForPlace // under the limit of a group, or in a full lane
	ForBlocking
	ForTimer
	ForRead
	ForWrite
	ForAccept
	ForConnect
	ForFile
	ForStream
	ForMutex
	ForRWMutex
	ForSemaphore
	ForCond
	ForWaitGroup
	ForBarrier
	ForLatch
	ForOnce
	ForNotify
	ForWatch
	ForBroadcast
	ForQueue
)

var reasons = [...]string{
	ForSomething: "something",
	ForJoin:      "a stolen fork",
	ForFuture:    "a future",
	ForGroup:     "a group",
	ForPlace:     "a place",
	ForBlocking:  "a call of Blocking",
	ForTimer:     "a timer",
	ForRead:      "data to read",
	ForWrite:     "room to write",
	ForAccept:    "a connection to accept",
	ForConnect:   "a connection",
	ForFile:      "a file",
	ForStream:    "a stream",
	ForMutex:     "a lock.Mutex",
	ForRWMutex:   "a lock.RWMutex",
	ForSemaphore: "a lock.Semaphore",
	ForCond:      "a lock.Cond",
	ForWaitGroup: "a lock.WaitGroup",
	ForBarrier:   "a lock.Barrier",
	ForLatch:     "a lock.Latch",
	ForOnce:      "a lock.Once",
	ForNotify:    "a lock.Notify",
	ForWatch:     "a lock.Watch",
	ForBroadcast: "a lock.Broadcast",
	ForQueue:     "a lock.Queue",
}

// String says it in words: "a future", "a lock.Mutex".
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return reasons[ForSomething]
}
