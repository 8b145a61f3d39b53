package foreign

import "flowbot/service/child"

// Limit limits this process as a child does.
func Limit(memory, seconds int64) error {
	return child.Limit(limits(question{Memory: memory, CPU: seconds}))
}
