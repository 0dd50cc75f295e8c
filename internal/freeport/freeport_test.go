package freeport

import (
	"net"
	"testing"
)

func TestPort_IsNobodyElses(t *testing.T) {
	var port int
	t.Run("until the end of the test", func(t *testing.T) {
		port = Port(t)
		if reserve(t, port) {
			t.Errorf("port %d was given twice", port)
		}
		l, err := net.Listen("tcp", loopback(port))
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	})
	if !reserve(t, port) {
		t.Errorf("port %d is not free after the test", port)
	}
}

// TestPort_KernelChoosesNone: neither a listener nor a connection gets one by chance.
func TestPort_KernelChoosesNone(t *testing.T) {
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range []net.Addr{l.Addr(), c.LocalAddr()} {
			if port := a.(*net.TCPAddr).Port; port < first+2*guard {
				t.Errorf("the kernel chose %d, which is below %d", port, first+2*guard)
			}
		}
		c.Close()
		l.Close()
	}
}
