import pytest
import torch

from deployments.placement.host_copy import HostCopy, copy_to_host


@pytest.mark.parametrize("chunk", [7, 64, 2**20])
def test_weights_leave_their_memory_and_return_bit_by_bit(chunk: int) -> None:
    weights = [torch.randn(5, 3), torch.arange(40).to(torch.int8), torch.randn(3, dtype=torch.bfloat16)]
    before = [weight.clone() for weight in weights]
    copy = HostCopy(weights, chunk)
    assert copy.bytes == -(-(60 + 40 + 6) // chunk) * chunk
    for _ in range(2):
        copy.free()
        assert [weight.untyped_storage().nbytes() for weight in weights] == [0, 0, 0]
        copy.restore()
        assert all(torch.equal(weight, own) for weight, own in zip(weights, before, strict=True))


def test_weights_that_share_memory_are_copied_once_and_share_it_again() -> None:
    with torch.inference_mode():
        whole = torch.arange(12.0)
        part = whole[4:].view(2, 4)
    copy = HostCopy([whole, part, whole], 48)
    assert copy.bytes == 48
    copy.free()
    copy.restore()
    with torch.inference_mode():
        whole[4] = -1
    assert part.tolist() == [[-1, 5, 6, 7], [8, 9, 10, 11]]


def test_weights_that_cannot_be_copied_are_left_where_they_are(caplog: pytest.LogCaptureFixture) -> None:
    weight = torch.empty(3, device="meta")
    assert copy_to_host([weight]) is None
    assert weight.untyped_storage().nbytes() == 12
    assert "will be read from files" in caplog.text
