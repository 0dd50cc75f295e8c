package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"netmon/notify"
	"netmon/wire"
)

// A channel's settings are checked by its kind, and its Sender sends. A
// [notify.Notifier] does both for all channels that are saved.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct{ Title, Message string }
		data, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(data, &body)
		fmt.Println("received:", body.Title, "|", body.Message)
	}))
	defer server.Close()

	kind, _ := notify.FindKind("gotify")
	_, err := kind.New(json.RawMessage(`{"server": "gotify.example.org", "priority": 11}`))
	for _, mistake := range wire.FieldErrors(err) {
		fmt.Println("mistake in:", mistake.Path)
	}

	sender, err := kind.New(json.RawMessage(`{"server": "` + server.URL + `", "token": "${env:TOKEN}"}`))
	if err != nil {
		log.Fatal(err)
	}
	env := &notify.Env{
		HTTP:   server.Client(),
		Secret: func(string, notify.Destination) (string, error) { return "s3cret", nil },
	}
	_, err = sender.Send(context.Background(), env, &notify.Message{
		Incident: wire.Incident{ID: "web-paris-1-7", State: wire.IncidentOpen, Severity: wire.SeverityDown},
		Title:    "DOWN: web", Text: "web is down since 10:00:00 UTC: refused", Head: []string{"web is down since 10:00:00 UTC: refused"},
	})
	fmt.Println(err)
	// Output:
	// mistake in: server
	// mistake in: token
	// mistake in: priority
	// received: DOWN: web | web is down since 10:00:00 UTC: refused
	// <nil>
}
