// Package web shows the mesh as pages: monitors, the worst first, one monitor, the matrix
// of monitors and agents, agents, and incidents. It reads one [Model], as the live screen
// does, and says the same in the same words. It changes monitors by [console.Ops], as the
// commands do.
//
// What it promises:
//
//   - A page works without JavaScript; with it, it is live: one EventSource swaps the parts
//     that changed. A part is rendered once per change, whoever looks.
//   - Nothing that comes from a target, a name or an agent becomes markup. No page has
//     inline script or style, or asks a third party for anything.
//   - Only requests to a host name that it knows are answered, so that a page of
//     somebody else cannot read it by DNS rebinding.
//   - Nothing is changed but by a form with the token of a session, in the name of who
//     signed in, over the revision that the form was made of.
//   - Viewers are bounded, and a slow one is let go: it comes back by itself.
package web
