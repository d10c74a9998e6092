// CRC-32 as in zip and PNG (ISO 3309, polynomial 0x04C11DB7 reflected): the checksum of checkpoints.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tallow::vec {

// The checksum of what `crc` is the checksum of, followed by n bytes; 0 to begin with.
uint32_t crc32(uint32_t crc, const void* data, size_t n);

}  // namespace tallow::vec
