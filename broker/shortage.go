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

// RoomError says that the servers have no room for what is to be kept.
type RoomError struct {
	Short   []string     // what there is no room for, and how much is needed where
	Servers []ServerRoom // what there is, of the servers that tell; may be filled in by who knows
	copies  int          // that are wanted of each
	cause   error        // the servers' own words
}

// ServerRoom is how much one server may store, and how much of that nothing was
// promised of yet; in bytes.
type ServerRoom struct {
	Name       string
	Most, Left int64
}

func (e *RoomError) Error() string {
	there := ""
	for _, s := range e.Servers {
		there += fmt.Sprintf("; %s has %s of %s left", s.Name, sizeText(s.Left), sizeText(s.Most))
	}
	fewer := ""
	if e.copies > 1 {
		fewer = ", or fewer copies (--replicas)"
	}
	return fmt.Sprintf("the servers have no room for %s%s: keep less (--results-size)%s, or let the servers store more (max_file_store in the jetstream block of their configuration): %v",
		strings.Join(e.Short, ", "), there, fewer, e.cause)
}

func (e *RoomError) Unwrap() error { return e.cause }

// noRoom is the error of a stream that there is no room for.
func (a asset) noRoom(cause error) *RoomError {
	on := "one server"
	if n := a.want.Replicas; n > 1 {
		on = fmt.Sprintf("each of %d servers", n)
	}
	return &RoomError{Short: []string{fmt.Sprintf("the %s (%s on %s)", a.name, sizeText(max(a.want.MaxBytes, 0)), on)}, copies: a.want.Replicas, cause: cause}
}

// noRoom says that a stream was refused for want of room. Of servers that are not
// there yet nobody knows.
func noRoom(err error) bool {
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

// Rooms is the room of this server. Those of a cluster know no other's.
func (b *Broker) Rooms(context.Context) []ServerRoom {
	srv := b.server()
	if srv == nil {
		return nil
	}
	js, err := srv.Jsz(nil)
	if err != nil || js.Disabled {
		return nil
	}
	return []ServerRoom{roomOf(srv.Name(), js.Config.MaxStore, js.ReservedStore, js.Store)}
}

// roomOf is a server's room, of which what streams may take is gone as well as what
// those without a bound have taken.
func roomOf(name string, most int64, reserved, used uint64) ServerRoom {
	return ServerRoom{Name: name, Most: most, Left: max(0, most-int64(min(max(reserved, used), 1<<62)))}
}

// Rooms asks the servers of a cluster for their room, over a connection to their
// system account. Those that do not answer soon are left out.
func Rooms(ctx context.Context, system *nats.Conn) (rooms []ServerRoom) {
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
			rooms = append(rooms, roomOf(r.Server.Name, r.Data.Config.MaxStore, r.Data.Reserved, r.Data.Used))
		}
	}
}
