module memoryhotplug.io/tools/pause

go 1.26
