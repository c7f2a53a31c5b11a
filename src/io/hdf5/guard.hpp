#pragma once

#include <functional>
#include <string>

namespace kirchhoff {

/// Does `work` in a child process and returns its text: for files that HDF5 may crash on, or never come back from. A
/// crash there is an Error here, and an Error there is one here. Where no process can be made, the work is done here.
/// @param path of the file, for the message. Local; `work` must not communicate.
std::string guarded(const std::string& path, const std::function<std::string()>& work);

}  // namespace kirchhoff
