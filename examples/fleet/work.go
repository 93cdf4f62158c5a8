package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func serverOptions(addr, dir string) (*server.Options, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		n = server.RANDOM_PORT
	}
	return &server.Options{Host: host, Port: n, JetStream: true, StoreDir: dir, NoSigs: true}, nil
}

const nameHeader = "Fleet-Name"

// submit puts a document into the queue. To submit the same again within a minute does nothing.
func (q *queue) submit(ctx context.Context, name string, content []byte) error {
	m := nats.NewMsg(subject)
	m.Data = content
	m.Header.Set(nameHeader, name)
	_, err := q.stream.PublishMsg(ctx, m, jetstream.WithMsgID(keyOf(name, content)))
	return err
}

// keyOf is the key of a document's result: equal documents have equal ones, so a second result replaces the first by the same.
func keyOf(name string, content []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s", len(name), name)
	h.Write(content)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// A result is what comes of a message.
type result struct {
	message jetstream.Msg
	key     string
	value   []byte
}

// process is the work on a document: its hash, and its size when compressed.
func process(_ *sched.Task, m jetstream.Msg) (result, error) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(m.Data())
	}
	if err == nil {
		err = z.Close()
	}
	name := m.Headers().Get(nameHeader)
	value := fmt.Sprintf("%x %d %d %s", sha256.Sum256(m.Data()), len(m.Data()), packed.Len(),
		base64.StdEncoding.EncodeToString([]byte(name)))
	return result{m, keyOf(name, m.Data()), []byte(value)}, err
}

// window is how many messages a worker holds, those in work and their results.
const window = 64

// work processes messages until ctx is done or, if it drains, there are none, and returns how many.
func (q *queue) work(ctx context.Context, drain bool) (n int, err error) {
	// Unordered: a message that takes long keeps no other from being acknowledged.
	for r, err := range sched.Stream2(ctx, q.messages(ctx, drain), process, sched.Window(window), sched.Unordered()) {
		if err != nil {
			return n, err
		}
		if _, err := q.bucket.Put(ctx, r.key, r.value); err != nil {
			return n, err
		}
		if err := r.message.DoubleAck(ctx); err != nil { // only now: should we die before, another does it again
			return n, err
		}
		n++
	}
	return n, nil
}

// messages yields what the queue gives. It pulls a few at a time, and more only when the stream has room: back-pressure reaches the
// server, and what this worker cannot hold goes to others.
func (q *queue) messages(ctx context.Context, drain bool) func(yield func(jetstream.Msg, error) bool) {
	return func(yield func(jetstream.Msg, error) bool) {
		for ctx.Err() == nil {
			batch, err := q.consumer.Fetch(window/4, jetstream.FetchMaxWait(time.Second))
			if err != nil {
				yield(nil, err)
				return
			}
			got := false
			for m := range batch.Messages() {
				if got = true; !yield(m, nil) {
					return
				}
			}
			if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, jetstream.ErrNoMessages) {
				yield(nil, err)
				return
			}
			if drain && !got {
				info, err := q.consumer.Info(ctx)
				if err != nil {
					yield(nil, err)
					return
				}
				if info.NumPending == 0 && info.NumAckPending == 0 {
					return
				}
			}
		}
	}
}

// results returns all results, by the name of the document.
func (q *queue) results(ctx context.Context) (map[string]string, error) {
	keys, err := q.bucket.ListKeys(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for key := range keys.Keys() {
		entry, err := q.bucket.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		var hash, name string
		var size, packed int
		if _, err := fmt.Sscan(string(entry.Value()), &hash, &size, &packed, &name); err != nil {
			return nil, fmt.Errorf("result %s: %w", key, err)
		}
		text, err := base64.StdEncoding.DecodeString(name)
		if err != nil {
			return nil, fmt.Errorf("result %s: %w", key, err)
		}
		all[string(text)] = fmt.Sprintf("%s %d %d", hash, size, packed)
	}
	return all, nil
}
