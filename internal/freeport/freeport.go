// Package freeport gives tests ports that stay theirs: for servers that get
// their port before they listen, such as those of a cluster, and for those that come
// back on the port that they had. A port that the kernel chose and that was closed
// again may be anybody's a moment later, also as the source of a connection.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// The ports are below all that kernels choose by themselves: 32768 and up on Linux,
// 49152 and up elsewhere. Who listens at the port that is guard higher has it, so
// that tests of other processes keep away, and nothing is left of a process that dies.
const (
	first = 10000
	guard = 10000
)

// Addr is an address on 127.0.0.1 of which both TCP and UDP are free, until the end of
// the test.
func Addr(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Port(t)))
}

// Port is the port of Addr.
func Port(t testing.TB) int {
	t.Helper()
	for range 1000 {
		if port := first + rand.IntN(guard); reserve(t, port) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func reserve(t testing.TB, port int) bool {
	held, err := net.Listen("tcp", loopback(port+guard))
	if err != nil {
		return false
	}
	if !free(port) {
		held.Close()
		return false
	}
	t.Cleanup(func() { held.Close() })
	return true
}

func free(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	defer l.Close()
	u, err := net.ListenPacket("udp", loopback(port))
	if err != nil {
		return false
	}
	return u.Close() == nil
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
