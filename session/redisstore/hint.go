package redisstore

func Hint(err error) string { return "" }
