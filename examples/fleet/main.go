// Fleet is a pipeline on more than one machine: workers take documents from a NATS JetStream work queue, process them with a stream of
// package sched, and put the results into a JetStream key-value bucket.
//
//	fleet serve  [-dir DIR] [-addr 127.0.0.1:4222]    a server with JetStream; or use any other
//	fleet submit [-url URL] FILE...                   put documents into the queue
//	fleet work   [-url URL] [-drain]                  process them; any number of processes, anywhere
//	fleet list   [-url URL]                           print the results
//
// JetStream distributes, and redelivers what a worker that died had taken. What this program adds:
//
//   - A message is acknowledged when its result has been stored: at least once.
//   - A result is stored under the document's name and hash, so that to process it twice changes nothing.
//   - The stream's window bounds what a worker has taken: it pulls no more than it can hold.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("want serve, submit, work or list")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	url := flags.String("url", nats.DefaultURL, "the server's `URL`")
	dir := flags.String("dir", "fleet-data", "where the server keeps its `DIR`")
	addr := flags.String("addr", "127.0.0.1:4222", "where the server listens")
	drain := flags.Bool("drain", false, "end when the queue is empty")
	patience := flags.Duration("patience", 30*time.Second, "after which a message that was not acknowledged goes to another worker")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if args[0] == "serve" {
		return serve(ctx, *addr, *dir)
	}
	q, err := connect(ctx, *url, *patience)
	if err != nil {
		return err
	}
	defer q.close()
	switch args[0] {
	case "submit":
		for _, name := range flags.Args() {
			content, err := os.ReadFile(name)
			if err == nil {
				err = q.submit(ctx, name, content)
			}
			if err != nil {
				return err
			}
		}
		return nil
	case "work":
		n, err := q.work(ctx, *drain)
		fmt.Fprintf(os.Stderr, "%d documents\n", n)
		return err
	case "list":
		results, err := q.results(ctx)
		names := make([]string, 0, len(results))
		for name := range results {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Println(name, results[name])
		}
		return err
	}
	return fmt.Errorf("%q: want serve, submit, work or list", args[0])
}

// serve runs a server until ctx is done.
func serve(ctx context.Context, addr, dir string) error {
	s, err := startServer(addr, dir)
	if err != nil {
		return err
	}
	fmt.Println(s.ClientURL())
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

// A queue is a connection with what this program keeps in JetStream.
type queue struct {
	conn     *nats.Conn
	stream   jetstream.JetStream
	consumer jetstream.Consumer
	bucket   jetstream.KeyValue
}

const (
	subject = "fleet.documents"
	bucket  = "fleet-results"
)

// connect makes the stream, the consumer that all workers share, and the bucket, unless they are there.
func connect(ctx context.Context, url string, patience time.Duration) (*queue, error) {
	conn, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	q := &queue{conn: conn}
	if err := q.open(ctx, patience); err != nil {
		conn.Close()
		return nil, err
	}
	return q, nil
}

func (q *queue) open(ctx context.Context, patience time.Duration) (err error) {
	if q.stream, err = jetstream.New(q.conn); err != nil {
		return err
	}
	_, err = q.stream.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "fleet", Subjects: []string{subject}, Retention: jetstream.WorkQueuePolicy, Duplicates: time.Minute,
	})
	if err != nil {
		return err
	}
	q.consumer, err = q.stream.CreateOrUpdateConsumer(ctx, "fleet", jetstream.ConsumerConfig{
		Durable: "workers", AckPolicy: jetstream.AckExplicitPolicy, AckWait: patience, MaxAckPending: -1,
	})
	if err != nil {
		return err
	}
	q.bucket, err = q.stream.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucket})
	return err
}

func (q *queue) close() { q.conn.Close() }

// startServer starts a server with JetStream in this process.
func startServer(addr, dir string) (*server.Server, error) {
	opts, err := serverOptions(addr, dir)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		s.Shutdown()
		return nil, fmt.Errorf("%s: the server does not start", addr)
	}
	return s, nil
}
