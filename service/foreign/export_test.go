package foreign

// Limit limits this process as a child does.
func Limit(memory, seconds int64) error {
	return limit(question{Memory: memory, CPU: seconds})
}
