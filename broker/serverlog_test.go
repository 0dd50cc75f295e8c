package broker

import (
	"log/slog"
	"strings"
	"testing"
)

// TestServerLog_PortChecksAreNoError keeps a monitor of kind tcp, which connects and leaves,
// from filling the log of a broker with TLS.
func TestServerLog_PortChecksAreNoError(t *testing.T) {
	for text, told := range map[string]bool{
		"127.0.0.1:40100 - cid:7 - TLS handshake error: EOF":                                                                      false,
		"127.0.0.1:40100 - cid:7 - TLS handshake error: read tcp 127.0.0.1:4222->127.0.0.1:40100: read: connection reset by peer": false,
		"127.0.0.1:40100 - cid:7 - TLS handshake error: remote error: tls: bad certificate":                                       true,
	} {
		var out strings.Builder
		log := slog.New(slog.NewTextHandler(&out, nil))
		l := newServerLog(log, newRepeats(log))
		l.Errorf("%s", text)
		if got := out.Len() > 0; got != told {
			t.Errorf("%s: told %v, want %v", text, got, told)
		}
	}
}
