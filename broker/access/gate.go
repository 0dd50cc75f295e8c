package access

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// refuse answers in JetStream's form, which each NATS client shows as an error.
func refuse(m *nats.Msg, description string) error {
	data, err := json.Marshal(map[string]any{"error": map[string]any{"code": 403, "err_code": 10200, "description": description}})
	if err != nil {
		return err
	}
	return m.Respond(data)
}

// What consoles may say with a change of a saved monitor.
const (
	headerExpect    = "Nats-Expected-Last-Subject-Sequence"
	headerOperation = "KV-Operation"
)

// save writes a saved monitor in the name of who asked. Revisions are compared
// by JetStream, as if the console had written it itself; history stays.
func (s *service) save(ctx context.Context, m *nats.Msg) {
	by, err := s.caller(m, changers...)
	if err != nil {
		refuse(m, err.Error())
		return
	}
	name := strings.TrimPrefix(m.Subject, gateSave+".")
	to := nats.NewMsg("$KV." + wire.MonitorsBucket + "." + name)
	e := wire.Audit{Where: whereMonitors, By: by, Did: "save", What: []string{name}}
	if v := m.Header.Get(headerExpect); v != "" {
		to.Header.Set(headerExpect, v)
	}
	err = wire.CheckToken(name)
	switch op := m.Header.Get(headerOperation); {
	case err != nil:
		err = fmt.Errorf("monitor name %w", err)
	case op == "DEL" && m.Header.Get("Nats-Rollup") == "":
		e.Did = "delete"
		to.Header.Set(headerOperation, op)
	case op != "" && op != "PUT":
		err = fmt.Errorf("%s: want DEL: the history of a monitor is kept, got %.20q", headerOperation, op)
	default:
		to.Data, e.Detail, err = signed(m.Data, name, by)
	}
	if err != nil {
		refuse(m, err.Error())
		return
	}
	var ack struct {
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	r, err := s.nc.RequestMsgWithContext(ctx, to)
	if err == nil {
		if json.Unmarshal(r.Data, &ack) == nil && ack.Error != nil {
			err = fmt.Errorf("%s", ack.Error.Description)
		}
		m.Respond(r.Data)
	}
	s.note(ctx, e, err)
}

// signed is a monitor with its true author.
func signed(data []byte, name, by string) (out []byte, change string, err error) {
	m, err := wire.DecodeSaved(data, 0)
	if err != nil {
		return nil, "", err
	}
	if m.Name != name {
		return nil, "", fmt.Errorf("name: want %q, which is the key, got %.64q", name, m.Name)
	}
	if err := m.Validate(); err != nil {
		return nil, "", err
	}
	m.Author = by
	out, err = json.Marshal(m)
	return out, m.Change, err
}
