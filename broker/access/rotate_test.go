package access_test

import (
	"fmt"
	"strings"
	"testing"

	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

// TestRotate_ConfirmedByUse: whatever the key that follows signs, it is in use,
// and the previous one is cut off.
func TestRotate_ConfirmedByUse(t *testing.T) {
	s := natstest.StartSecure(t)
	olga := actors(t, s.Mesh)[wire.RoleOperator]
	nc, cut := watched(t, olga.id, olga.dir)
	key, public := natstest.NewKey(t)
	if err := askSigned(nc, olga.signer(), "access.rotate.olga", fmt.Sprintf(`{"key":%q}`, public)); err != nil {
		t.Fatal(err)
	}
	boss := s.As(t, access.Controller, "controller")
	store, _ := bucket(t, natstest.JetStream(t, boss))
	if err := saveSigned(nc, olga.signer(), store, "web", "", monitorText("olga", "web", ""), 0); err != nil {
		t.Fatal("the key in use, before the other one is:", err)
	}
	if err := saveSigned(nc, identity.SignBy(key), store, "db", "", monitorText("olga", "db", ""), 0); err != nil {
		t.Fatal(err)
	}
	isCut(t, "the key of before", cut)
	until(t, "the audit has it", func() bool {
		return strings.Contains(strings.Join(audited(t, boss, "access"), "\n"), "olga rotate olga true")
	})
}
