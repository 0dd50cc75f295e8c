package broker

import (
	"bytes"
	"net"
)

// greeted is how many writes the client library begins a connection with: who it
// is, and a ping.
const greeted = 2

// pipe is the client's end of a connection inside this process. Without it the
// client would wait for the server to read the second of its first two writes,
// while the server that does not let it in waits for the client to read why: for
// 5 s, after which the client takes the server for one that is silent. So the
// first writes do not wait.
type pipe struct {
	net.Conn // whose deadlines hold for writes that are under way, too

	// What follows is for one writer, as the client library is.
	writes int
	last   chan struct{} // closed when the write before has ended
	err    error         // of the writes that nobody waited for; read after last is closed
}

func newPipe(c net.Conn) *pipe {
	p := &pipe{Conn: c, last: make(chan struct{})}
	close(p.last)
	return p
}

// Write writes data, and does not keep it.
func (p *pipe) Write(data []byte) (int, error) {
	before := p.last
	if p.writes == greeted {
		<-before
		if p.err != nil {
			return 0, p.err
		}
		return p.Conn.Write(data)
	}
	p.writes++
	data, done := bytes.Clone(data), make(chan struct{})
	p.last = done
	go func() {
		defer close(done)
		<-before
		if p.err == nil {
			_, p.err = p.Conn.Write(data)
		}
	}()
	return len(data), nil
}
