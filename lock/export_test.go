package lock

// Waiting returns how many wait in a primitive, for tests that have to know that somebody does.
func Waiting(primitive any) int {
	var q *queue
	switch p := primitive.(type) {
	case *Mutex:
		q = &p.queue
	case *RWMutex:
		q = &p.queue
	case *Semaphore:
		q = &p.queue
	case *Cond:
		q = &p.queue
	case *WaitGroup:
		q = &p.count.queue
	case *Latch:
		q = &p.count.queue
	case *Barrier:
		q = &p.queue
	case *Once:
		q = &p.queue
	case *OnceValue[int]:
		q = &p.once.queue
	case *Notify:
		q = &p.queue
	case *Watch[int]:
		q = &p.queue
	case *Broadcast[int]:
		q = &p.queue
	default:
		panic("unknown primitive")
	}
	q.Lock()
	defer q.Unlock()
	return q.length()
}

func (q *queue) length() (n int) {
	for w := q.first; w != nil; w = w.next {
		n++
	}
	return n
}

// WaitingToSend and WaitingToReceive return how many do.
func WaitingToSend[T any](q *Queue[T]) int {
	q.receivers.Lock()
	defer q.receivers.Unlock()
	return q.senders.length()
}

func WaitingToReceive[T any](q *Queue[T]) int {
	q.receivers.Lock()
	defer q.receivers.Unlock()
	return q.receivers.length()
}
