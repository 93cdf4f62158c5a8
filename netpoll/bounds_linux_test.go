//go:build linux && !pinwheel_portable

package netpoll

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// settle has what has been sent noticed, so that no event is still to come.
func settle(p *Poller, c *Conn) {
	for c.d.r.word.Load() < sideTick {
		p.Poll()
	}
	for p.Poll() > 0 {
	}
}

// A call that gets less than it asked for has found a bound, and there is more behind it.
func TestReadsGoOnBehindAMessage(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p, "unixpacket", filepath.Join(t.TempDir(), "socket"))
	for _, s := range []string{"one", "two", "three"} {
		if _, err := a.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	settle(p, b)
	_ = b.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 100)
	for _, want := range []string{"one", "two"} {
		if n, err := b.Read(buf); string(buf[:n]) != want || err != nil {
			t.Fatalf("read %q, %v, want %q", buf[:n], err, want)
		}
	}
	if n, err := b.Readv(buf[:1], buf[1:]); string(buf[:n]) != "three" || err != nil {
		t.Fatalf("read %q, %v, want three", buf[:n], err)
	}
}

func TestReadsGoOnBehindADescriptorThatWasPassed(t *testing.T) {
	p := newPoller(t)
	path := filepath.Join(t.TempDir(), "socket")
	l := listen(t, p, "unix", path)
	a, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := l.AcceptConn(background)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, _, err := a.WriteMsgUnix([]byte("before"), unix.UnixRights(0), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("behind")); err != nil {
		t.Fatal(err)
	}
	settle(p, b)
	_ = b.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 100)
	for n, want := 0, "beforebehind"; n < len(want); {
		m, err := b.Read(buf[n:])
		if err != nil {
			t.Fatalf("read %q, then %v", buf[:n], err)
		}
		n += m
	}
}

func TestReadsGoOnBehindUrgentData(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p, "tcp4", "127.0.0.1:0")
	send := func(s string, flags int) {
		if err := a.d.control("send", func(fd int) error { return unix.Send(fd, []byte(s), flags) }); err != nil {
			t.Fatal(err)
		}
	}
	send("before", 0)
	send("!", unix.MSG_OOB)
	send("behind", 0)
	for pending := 0; pending < len("before"); { // up to the mark
		_ = b.d.control("ioctl", func(fd int) (err error) { pending, err = unix.IoctlGetInt(fd, unix.SIOCINQ); return err })
	}
	settle(p, b)
	_ = b.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, len("beforebehind"))
	if n, err := io.ReadFull(b, buf); string(buf) != "beforebehind" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

func TestDatagramsWithoutAName(t *testing.T) {
	p := newPoller(t)
	path := filepath.Join(t.TempDir(), "socket")
	b := listenPacket(t, p, "unixgram", path)
	a, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	var used batch // for something else before
	used.names[0].Addr.Family = unix.AF_INET
	used.point(0, make([]byte, 10))
	for {
		n, err := used.call(unix.SYS_RECVMMSG, int(b.d.fd), 1)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Fatal(n, err)
		}
		break
	}
	if addr := b.addrOf(&used.names[0], used.headers[0].Namelen); addr != nil {
		t.Errorf("it is from %T %v", addr, addr)
	}
}

func TestABatchRefusesAPathThatIsTooLong(t *testing.T) {
	p := newPoller(t)
	t.Chdir(t.TempDir())
	long := "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
	a, b := listenPacket(t, p, "unixgram", "a"), listenPacket(t, p, "unixgram", long[:107])
	if n, err := a.WriteBatch([]Message{{Data: []byte("x"), Addr: &net.UnixAddr{Name: long[:107], Net: "unixgram"}}}); n != 1 || err != nil {
		t.Fatalf("a path of 107 bytes: %d, %v", n, err)
	}
	ms := []Message{
		{Data: []byte("x"), Addr: b.LocalAddr()},
		{Data: []byte("y"), Addr: &net.UnixAddr{Name: long, Net: "unixgram"}},
	}
	_, want := a.WriteTo([]byte("y"), ms[1].Addr)
	n, err := a.WriteBatch(ms)
	if n != 1 || err == nil || want == nil {
		t.Errorf("WriteBatch gave %d, %v; WriteTo %v", n, err, want)
	}
}

func TestDatagramsForThisMachine(t *testing.T) {
	for _, network := range []string{"udp4", "udp"} {
		p := newPoller(t)
		b := listenPacket(t, p, network, ":0")
		port := b.LocalAddr().(*net.UDPAddr).Port
		for _, ip := range []net.IP{nil, net.IPv4zero} {
			if n, err := b.WriteTo([]byte("x"), &net.UDPAddr{IP: ip, Port: port}); n != 1 || err != nil {
				t.Errorf("%s to %v: %d, %v", network, ip, n, err)
			}
		}
	}
}

func TestADirectoryInParts(t *testing.T) {
	everyDisk(t, func(t *testing.T, d *Disk) {
		dir := t.TempDir()
		for _, name := range []string{"a", "b", "c"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f, err := d.Open(background, dir, os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for range 2 {
			seen := map[string]int{}
			for range 3 {
				list, err := f.ReadDir(1)
				if err != nil || len(list) != 1 {
					t.Fatalf("after %v: %v, %v", seen, list, err)
				}
				seen[list[0].Name()]++
			}
			if len(seen) != 3 {
				t.Errorf("seen: %v", seen)
			}
			if list, err := f.ReadDir(1); len(list) != 0 || err != io.EOF {
				t.Errorf("at the end: %v, %v", list, err)
			}
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
		}
		if list, err := f.ReadDir(0); len(list) != 3 || err != nil {
			t.Errorf("all: %v, %v", list, err)
		}
	})
}

// A message of no bytes waits for room, and arrives.
func TestAnEmptyMessageWaitsForRoom(t *testing.T) {
	a, b := pair(t, newPoller(t), "unixpacket", filepath.Join(t.TempDir(), "socket"))
	_ = a.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	sent := 0
	for {
		if _, err := a.Write(make([]byte, 1)); err != nil {
			break
		}
		sent++
	}
	_ = a.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := a.Write(nil); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("without room: %v", err)
	}
	_ = a.SetWriteDeadline(time.Time{})
	go func() {
		if _, err := a.Write(nil); err != nil {
			t.Error(err)
		}
		_ = a.Close()
	}()
	for range sent {
		if n, err := b.Read(make([]byte, 2)); n != 1 || err != nil {
			t.Fatalf("read %d, %v", n, err)
		}
	}
	if n, err := b.Read(make([]byte, 2)); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}
