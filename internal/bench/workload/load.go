package workload

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"
)

// A load is what an echo server is put under: a number of connections, each with at most one request under way, until so many have
// been answered.
type load struct {
	Address  string
	Conns    int
	Size     int // of a request, at least 8
	Requests int
	Every    time.Duration // between two requests of a connection; 0: the next follows the answer
}

// A loadResult is what came of it.
type loadResult struct {
	Answered int // and right
	Elapsed  time.Duration
	P50, P99 time.Duration
	CPU      time.Duration // of the process of the load
}

func init() { children["load"] = runLoad }

// runLoad connects, has one request of each connection answered, says that it is ready, waits to be told, and does the rest.
func runLoad(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	var l load
	if err := readLine(lines, &l); err != nil {
		return err
	}
	say := json.NewEncoder(out)
	result, err := l.run(func() error {
		if err := say.Encode("ready"); err != nil {
			return err
		}
		var goOn string
		return readLine(lines, &goOn)
	})
	if err != nil {
		return err
	}
	if err := say.Encode(result); err != nil {
		return err
	}
	_, _ = lines.ReadByte() // until the other process goes on
	return nil
}

func readLine(r *bufio.Reader, x any) error {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, x)
}

// A request is what one connection has under way: a number that no other request has, and a pattern.
type request struct {
	conn   int
	number uint64
	sent   time.Time
	got    int // bytes of the answer
}

// nonceBytes is how long the number is.
const nonceBytes = 8

// pattern fills the part of a request that is the same for all.
func pattern(b []byte) {
	for i := range b {
		b[i] = byte(i * 7)
	}
}

func (q *request) nonce() uint64 { return uint64(q.conn)<<32 ^ q.number }

// next makes the next request of the last one.
func (q *request) next(b []byte) {
	q.number++
	q.got = 0
	binary.LittleEndian.PutUint64(b, q.nonce())
}

// check looks at the next bytes of the answer: at the number, and at some of the pattern, since all of it would cost more than the
// server.
func (q *request) check(b []byte, size int) error {
	if q.got+len(b) > size {
		return errors.New("an answer is too long")
	}
	for i := q.got; i < q.got+len(b); {
		c := b[i-q.got]
		if i < nonceBytes {
			if c != byte(q.nonce()>>(8*i)) {
				return errors.New("an answer to another request")
			}
			i++
			continue
		}
		if c != byte(i*7) {
			return errors.New("a wrong answer")
		}
		i += 61
	}
	q.got += len(b)
	return nil
}

// first returns when a connection sends its first request: the connections take turns.
func (l *load) first(begin time.Time, conn int) time.Time {
	return begin.Add(l.Every * time.Duration(conn) / time.Duration(l.Conns))
}

func (l *load) result(latencies []time.Duration, elapsed time.Duration) *loadResult {
	slices.Sort(latencies)
	at := func(q float64) time.Duration {
		if len(latencies) == 0 {
			return 0
		}
		return latencies[min(int(q*float64(len(latencies))), len(latencies)-1)]
	}
	return &loadResult{Answered: len(latencies), Elapsed: elapsed, P50: at(0.5), P99: at(0.99)}
}
