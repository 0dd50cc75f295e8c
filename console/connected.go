package console

// Connected says whether the broker is there at this moment.
func (c *Client) Connected() bool { return c.nc.IsConnected() }
