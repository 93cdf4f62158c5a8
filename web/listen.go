package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func program() string { return filepath.Base(os.Args[0]) }

// A Server shows a scheduler at an address of its own.
type Server struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
}

// Listen starts a server that shows s. The address is host:port; without a host, and in all with "", it is the loopback
// interface, so that only this machine can reach it, and without a port, any that is free. On the loopback interface it answers
// only requests whose Host is a name or an address of that interface, so that a page from elsewhere cannot reach it under a
// host name of its own (DNS rebinding).
//
// It returns an error if the address is malformed, or cannot be listened on. Closing s does not close the server: call
// [Server.Close], before or after that.
func Listen(s *sched.Scheduler, addr string) (*Server, error) {
	if addr == "" {
		addr = ":0"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("web: address %q: want host:port, :port or nothing: %w", addr, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	h := Handler(s)
	if a, ok := l.Addr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
		h = onlyLoopback(h)
	}
	w := &Server{listener: l, done: make(chan struct{}), server: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}}
	go func() {
		defer close(w.done)
		_ = w.server.Serve(l) // it ends by Close
	}()
	return w, nil
}

// URL returns where to look.
func (w *Server) URL() string { return "http://" + w.listener.Addr().String() + "/" }

// Close ends the server, and waits until it is gone. Answers that are under way are cut off. It may be called more than once.
func (w *Server) Close() error {
	err := w.server.Close()
	<-w.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func onlyLoopback(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this server is for its own machine", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}
