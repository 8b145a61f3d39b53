package service

// ExamImportCommands is what an import of centers, exams, applications and
// results asks of a transaction. Lists are as long as the file, so each is one
// question.
type ExamImportCommands interface{}
