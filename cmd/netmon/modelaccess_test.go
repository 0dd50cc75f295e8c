package main

import (
	"context"
	"testing"
	"time"

	"netmon/console"
	"netmon/internal/endpoint"
	"netmon/internal/host"
	"netmon/internal/natstest"
	"netmon/judge"
	"netmon/wire"
)

// TestModel_ViewerFollowsSome has one who may only read follow two of three monitors
// on a mesh that knows who is who: the broker looks at what is asked of it.
func TestModel_ViewerFollowsSome(t *testing.T) {
	s := natstest.StartSecure(t)
	client := func(role wire.Role, name string) *console.Client {
		id, dir := s.LetIn(t, role, name)
		cl, err := console.ConnectAs(endpoint.PersonIn(dir), host.By(s.Connect, id, dir))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	store, err := client(wire.RoleOperator, "olga").Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	save := func(name string) {
		t.Helper()
		if _, err := store.Save(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1"}.WithDefaults()}, "added"); err != nil {
			t.Fatal(err)
		}
	}
	save("web")
	save("mail")
	model := client(wire.RoleViewer, "vic").Model(console.ModelOptions{Names: []string{"web", "db"}})
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	ended := make(chan struct{})
	defer func() {
		stop()
		<-ended
	}()
	go func() {
		defer close(ended)
		model.Run(ctx)
	}()
	if _, err := model.AwaitState(ctx, "web", judge.Unknown); err != nil {
		t.Fatal(err)
	}
	save("db")
	if err := model.Each(ctx, 0, 0, func() (bool, error) { return len(model.Monitors()) == 2, nil }); err != nil {
		t.Errorf("%v: %v, %v", err, model.Monitors(), model.Troubles())
	}
	if len(model.Problems()) > 0 {
		t.Errorf("problems: %v", model.Problems())
	}
}
