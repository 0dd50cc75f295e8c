// Package host runs the parts of a mesh in one process: a broker with its
// controller and the authority that lets people in, a controller beside servers of
// somebody else, an agent. It wires packages that do not know each other, as
// `netmon up`, `broker`, `agent` and `controller` need them. What people should know
// goes to a writer that it is given; what it starts has ended when it returns.
package host
