package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// SpaceError says that the servers have no room for what is to be kept.
type SpaceError struct {
	Short   []string      // what there is no room for, and how much is needed where
	Servers []ServerSpace // what there is, of the servers that report it; may be filled in by who knows
	copies  int           // that are wanted of each
	cause   error         // the servers' own words
}

// ServerSpace is how much one server may store, and how much of that nothing was
// promised of yet; in bytes.
type ServerSpace struct {
	Name       string
	Most, Left int64
}

func (e *SpaceError) Error() string {
	there := ""
	for _, s := range e.Servers {
		there += fmt.Sprintf("; %s has %s of %s left", s.Name, sizeText(s.Left), sizeText(s.Most))
	}
	fewer := ""
	if e.copies > 1 {
		fewer = ", or fewer copies (replicas)"
	}
	return fmt.Sprintf("the servers have no space for %s%s: keep less (results-size)%s, or let the servers store more (max_file_store in the jetstream block of their configuration): %v",
		strings.Join(e.Short, ", "), there, fewer, e.cause)
}

func (e *SpaceError) Unwrap() error { return e.cause }

// noSpace is the error of a stream that there is no room for.
func (a asset) noSpace(cause error) *SpaceError {
	on := "one server"
	if n := a.want.Replicas; n > 1 {
		on = fmt.Sprintf("each of %d servers", n)
	}
	return &SpaceError{Short: []string{fmt.Sprintf("the %s (%s on %s)", a.name, sizeText(max(a.want.MaxBytes, 0)), on)}, copies: a.want.Replicas, cause: cause}
}

// outOfSpace says that a stream was refused for lack of room. Of servers that are not
// there yet nobody knows.
func outOfSpace(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case noResources, noStorage, noMemory:
		return true
	case noPeers:
		return strings.Contains(api.Description, "insufficient storage") && !strings.Contains(api.Description, "offline")
	}
	return false
}

// Space is the room of this server. Those of a cluster know no other's.
func (b *Broker) Space(context.Context) []ServerSpace {
	srv := b.server()
	if srv == nil {
		return nil
	}
	js, err := srv.Jsz(nil)
	if err != nil || js.Disabled {
		return nil
	}
	return []ServerSpace{spaceOf(srv.Name(), js.Config.MaxStore, js.ReservedStore, js.Store)}
}

// spaceOf is a server's room, of which what streams may take is gone as well as what
// those without a bound have taken.
func spaceOf(name string, most int64, reserved, used uint64) ServerSpace {
	return ServerSpace{Name: name, Most: most, Left: max(0, most-int64(min(max(reserved, used), 1<<62)))}
}

// Space asks the servers of a cluster for their room, over a connection to their
// system account. Those that do not answer soon are left out.
func Space(ctx context.Context, system *nats.Conn) (rooms []ServerSpace) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	inbox := system.NewInbox()
	sub, err := system.SubscribeSync(inbox)
	if err != nil {
		return nil
	}
	defer sub.Unsubscribe()
	if system.PublishRequest("$SYS.REQ.SERVER.PING.JSZ", inbox, nil) != nil {
		return nil
	}
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return rooms
		}
		var r struct {
			Server struct{ Name string }
			Data   struct {
				Config struct {
					MaxStore int64 `json:"max_storage"`
				}
				Reserved uint64 `json:"reserved_storage"`
				Used     uint64 `json:"storage"`
			}
		}
		if json.Unmarshal(m.Data, &r) == nil && r.Data.Config.MaxStore > 0 {
			rooms = append(rooms, spaceOf(r.Server.Name, r.Data.Config.MaxStore, r.Data.Reserved, r.Data.Used))
		}
	}
}
