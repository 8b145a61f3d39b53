package service

// BlankProfile is the layout of a printing house's blank: where on it each field
// stands, in millimetres from the blank's top left corner.
type BlankProfile struct {
	Code string // latin letters, digits and hyphens
	Name string // as people choose it
}
