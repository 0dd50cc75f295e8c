// Package membership is how the agent, or the person, of this host comes to belong to
// a mesh: by a join line that lets it in once, by the identity that it got for that
// and keeps, or, at a broker without identities, as whoever it says.
package membership
