package identity

import (
	"errors"
	"strings"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// headerAPILevel is the one header that clients set of themselves when they make
// a consumer: the nats program does, where a setting needs a newer server.
const headerAPILevel = "Nats-Required-Api-Level"

var errNotByServer = errors.New("the request has headers of its own: want none, or " + headerAPILevel + " alone")

// ByServer is who asks, as the server says, on subjects where clients
// that we did not write ask and so cannot sign.
//
// That word is a header, and the server does not keep clients from writing it as
// well. It appends "Nats-Request-Info: {...}\r\n\r\n" to the client's own header
// block, less its last two bytes, and removes lines of that name before, of which
// it finds those alone that CR LF begins and ends. The client library here reads
// lines to LF and stops at the first empty one. So a block may hold a line that
// the server does not see and we do, or hide the server's own behind its end.
//
// The header is therefore believed only if it is all that there is: one key with
// one value, beside headerAPILevel perhaps, and no byte that these lines do not
// account for. Whoever has another line read in place of the server's must fit
// that line in front of the server's own. Written as short as we read it, a line
// saves two bytes against what is reckoned here (the blank and the CR), the first
// line one, the end two; the server's own line takes 19 bytes of name, its JSON
// and 4 of ends. There is no room for it. And a client that leaves the last CR LF
// out has the server's line begin within its own; that value has the header's
// name in it, which an honest one does not.
func ByServer(m *nats.Msg) (wire.Asker, error) {
	size := len("NATS/1.0\r\n") + len("\r\n")
	for key, values := range m.Header {
		if len(values) != 1 || key != wire.CallerHeader && (key != headerAPILevel || !isLevel(values[0])) {
			return wire.Asker{}, errNotByServer
		}
		size += len(key) + len(": ") + len(values[0]) + len("\r\n")
	}
	word := m.Header.Get(wire.CallerHeader)
	if m.Size() != len(m.Subject)+len(m.Reply)+size+len(m.Data) || strings.Contains(word, wire.CallerHeader) {
		return wire.Asker{}, errNotByServer
	}
	return wire.Caller(word)
}

// isLevel says whether a value is a number as short as levels are.
func isLevel(text string) bool {
	return len(text) >= 1 && len(text) <= 3 && strings.Trim(text, "0123456789") == ""
}
