//go:build linux && !pinwheel_portable

package netpoll

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const refusedPoller = "NETPOLL_TEST_REFUSED_POLLER"

// Where there is no epoll or no eventfd for us, timers fire all the same, and what needs to wait for descriptors says what is refused.
func TestAPollerThatTheSystemRefuses(t *testing.T) {
	if text := os.Getenv(refusedPoller); text != "" {
		call, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, unix.EPERM, uint32(call))
		p := newPoller(t)
		for range 2 {
			_, err = p.Listen(background, "tcp", "127.0.0.1:0")
			var refused *os.SyscallError
			if !errors.As(err, &refused) || !errors.Is(err, unix.EPERM) {
				t.Errorf("Listen gave %v", err)
			}
			if _, err = p.ListenPacket(background, "udp", "127.0.0.1:0"); !errors.Is(err, unix.EPERM) {
				t.Errorf("ListenPacket gave %v", err)
			}
			<-p.Wheels().Shard(-1).NewTimer(time.Millisecond).C
			if err := p.Wheels().Shard(-1).Sleep(background, time.Millisecond); err != nil {
				t.Errorf("Sleep gave %v", err)
			}
		}
		return
	}
	for _, call := range []int{unix.SYS_EVENTFD2, unix.SYS_EPOLL_CREATE1} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAPollerThatTheSystemRefuses$")
		cmd.Env = append(os.Environ(), refusedPoller+"="+strconv.Itoa(call))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("without system call %d: %v\n%s", call, err, out)
		}
	}
}
