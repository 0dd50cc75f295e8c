package access

import (
	"slices"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/wire"
)

// asksByServer is [identity.ByServer] for some roles.
func (s *service) asksByServer(m *nats.Msg, roles ...wire.Role) (string, wire.Role, error) {
	name, role, err := identity.ByServer(m)
	if err == nil && !slices.Contains(roles, role) {
		err = errNotYours
	}
	if err != nil {
		s.warnings.report("refused", m.Subject, name, err)
	}
	return name, role, err
}
