//go:build !linux

package probes

import "net"

// tcpWitness needs the TCP_INFO of Linux.
type tcpWitness struct{}

func (*tcpWitness) watch(*net.Dialer) {}
func (*tcpWitness) info() *TCPInfo    { return nil }
func (*tcpWitness) close()            {}
