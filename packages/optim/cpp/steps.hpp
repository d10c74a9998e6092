#pragma once
namespace tallow_optim {
void register_steps();
}
